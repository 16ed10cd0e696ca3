"""TFLite models as C source for microcontrollers."""
