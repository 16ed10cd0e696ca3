"""Passes: each file holds one function, of the file's name, that changes a parsed .tflite model."""
