"""Embedded data: the verses of two Bibles."""
