"""Train a network on features, and export it as a bundle."""
