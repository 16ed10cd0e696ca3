"""Reads networks of PyTorch and ONNX into Keras models that are made of this project's layers."""
