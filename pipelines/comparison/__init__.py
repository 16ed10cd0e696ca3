"""Families of networks of equal size on equal data."""
