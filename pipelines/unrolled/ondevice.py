"""The runtime on the device: `Model`, `Stream` and `Bundle`. Needs numpy and ai-edge-litert only."""

from .pipelines.ondevice import Bundle, Model, Stream  # type: ignore[import-not-found]

__all__ = ["Bundle", "Model", "Stream"]
