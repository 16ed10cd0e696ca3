"""The card of a bundle, its README.md: made from the manifest and what the app says of itself."""
