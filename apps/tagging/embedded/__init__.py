"""Generated sentences with names, places, organisations, times and quantities."""
