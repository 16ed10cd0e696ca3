"""One folder a problem. Adding an app is adding a folder whose __init__.py defines APP."""
