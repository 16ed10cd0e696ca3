"""The page of a bundle: a folder that any web server serves and any browser runs, also without a network."""
