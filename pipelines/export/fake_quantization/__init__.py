"""Compute in Keras as the integer file will: the rounding of a file, put into the network that trains."""
