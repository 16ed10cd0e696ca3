"""Figures and tables of a training run of the sensor signal app."""

from pipelines.tasks.window_plots import make_plots as make_plots
