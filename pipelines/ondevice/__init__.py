"""The runtime on the device: numpy and ai-edge-litert; of the project only `errors` and `files`."""

from .bundle import Bundle
from .model import Model, Stream

__all__ = ["Bundle", "Model", "Stream"]
