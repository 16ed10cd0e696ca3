"""Generates the embedded data: drawn scenes and the captions that describe them."""
