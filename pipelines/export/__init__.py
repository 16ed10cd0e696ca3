"""From a Keras model to verified .tflite variants: convert, audit, verify, bundle."""
