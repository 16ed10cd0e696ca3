"""How every app is trained, tracked, exported and checked. Knows no particular app."""
