"""The series that come with the project."""
