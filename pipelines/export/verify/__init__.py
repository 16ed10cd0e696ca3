"""Is a .tflite file what the Keras model is?"""
