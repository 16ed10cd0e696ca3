"""Prepare a Keras model for export."""
