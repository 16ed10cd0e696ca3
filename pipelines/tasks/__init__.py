"""Code that apps with the same kind of problem share."""
