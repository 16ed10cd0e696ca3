"""Generates the reviews of `--dataset embedded`."""
