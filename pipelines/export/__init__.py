"""From a Keras model to verified .tflite variants: convert, audit, verify, bundle."""

READ = "a model in a .keras, .h5, .pt2 or .onnx file, or the folder of a SavedModel"
"""What an export reads, for messages."""
