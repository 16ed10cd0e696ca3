"""Train, track, export and check apps of any kind. Knows no particular app."""
