"""The embedded recordings: wrist movements from a package, and a generated ECG."""
