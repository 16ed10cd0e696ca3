"""Searches settings of an app on Optuna: many trainings, one study."""
