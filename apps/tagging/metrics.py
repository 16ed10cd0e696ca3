"""The metrics of the tagging app, and simple methods to compare it with."""

from pipelines.tasks.tagging import METRICS
from pipelines.tasks.tagging_baselines import simple_taggers as baselines

__all__ = ["METRICS", "baselines"]
