"""Training runs in MLflow: the only room that imports it."""
