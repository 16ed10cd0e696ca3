"""From features to a trained network, and from there to a bundle."""
