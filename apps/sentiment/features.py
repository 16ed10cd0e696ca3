"""Texts as token ids: `make_features` learns the vocabulary, `encode` uses it on the device."""

from pipelines.data.text_features import token_features as make_features
from pipelines.ondevice.token_ids import encode

__all__ = ["encode", "make_features"]
