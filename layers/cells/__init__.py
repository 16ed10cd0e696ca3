"""Recurrent cells, one in each file, with their layers."""
