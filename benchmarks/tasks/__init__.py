"""Synthetic tasks with a known answer, which show whether a cell learns what the literature reports."""
