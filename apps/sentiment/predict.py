"""Labels texts on the device: numpy and LiteRT only."""

from pipelines.tasks.texts import describe, predict

__all__ = ["describe", "predict"]
