"""TFLite files: made from a SavedModel, and changed."""
