"""Recurrent cells, one a file, each with its layer."""
