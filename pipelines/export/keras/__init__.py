"""A Keras model, made ready for export."""
