"""Raw examples from any source, cut into splits, and the features that a network sees."""
