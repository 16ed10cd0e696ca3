"""Texts as token ids: `make_features` learns the vocabulary, `encode` uses it on the device."""

from pipelines.data.examples import Data, Features
from pipelines.data.text_features import token_features
from pipelines.ondevice.token_ids import encode
from pipelines.tasks import vader

from .config import SentimentConfig

__all__ = ["encode", "make_features"]


def make_features(config: SentimentConfig, data: Data) -> Features:
    """Return the token ids of all texts; the words of the lexicon stay in the vocabulary if it is used."""
    return token_features(config, data, vader.lexicon() if config.lexicon else ())
