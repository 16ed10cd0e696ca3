"""The embedded handwriting: a stroke font, the writers who use it, and what they write."""
