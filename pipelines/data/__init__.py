"""Raw examples from a source, cut into splits, and the features that a network sees of them."""
