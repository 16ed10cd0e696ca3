"""Check that a .tflite file computes what its Keras model computes."""
