"""Training runs in MLflow. Only this folder imports MLflow."""
