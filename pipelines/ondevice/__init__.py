"""The runtime on the device. Needs numpy and ai-edge-litert, and of the project only `errors` and `files`."""

from .bundle import Bundle
from .model import Model, Stream

__all__ = ["Bundle", "Model", "Stream"]
