"""The runtime on the device. Needs numpy, ai-edge-litert, and only `errors` and `files` from this project."""

from .bundle import Bundle
from .model import Model, Stream

__all__ = ["Bundle", "Model", "Stream"]
