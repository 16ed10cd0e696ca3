"""Load raw examples from any source, split them, and make features for a network."""
