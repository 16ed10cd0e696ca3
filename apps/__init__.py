"""One folder for each problem. To add an app, add a folder whose __init__.py defines APP."""
