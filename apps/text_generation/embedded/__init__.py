"""The text that comes with the project."""
