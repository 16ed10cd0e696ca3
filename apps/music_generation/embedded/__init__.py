"""Generates the embedded data: chorales and folk tunes from music21's corpus."""
