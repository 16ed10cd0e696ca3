"""Convert SavedModels to .tflite files, and change such files."""
