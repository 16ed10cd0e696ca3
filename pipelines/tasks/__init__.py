"""What apps with the same kind of problem share."""
