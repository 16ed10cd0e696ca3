"""The embedded clips: drawn by this project, frame by frame, of made-up actors in made-up rooms."""
