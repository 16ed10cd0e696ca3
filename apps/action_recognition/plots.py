"""Figures and tables of a training run of the action recognition app."""

from pipelines.tasks.window_plots import make_plots as make_plots
