"""Say what pictures show, on the device: numpy, Pillow and LiteRT only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.config import require
from pipelines.errors import UserError
from pipelines.files import require_writable, write_atomically
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.sampling import Sampler

from .captions import Vocabulary
from .decoding import OnDevice, Sentence, beam_search, sample
from .features import load_vocabulary, picture_of


@dataclass(frozen=True)
class Options:
    """How captions are found."""

    beams: int = 3
    """Beginnings of sentences that are followed; 1: the most probable word each time."""
    length_penalty: float = 0.7
    """Sentences are compared by log-probability / length ** this; 0 favours short ones."""
    no_repeat_ngram: int = 0
    """So many words in a row don't come twice; 0: they may."""
    temperature: float | None = None
    """Draw words instead of searching. 1: as the network says; lower: the more probable."""
    top_k: int | None = None
    """When drawing: from so many of the most probable only."""
    top_p: float = 1.0
    """When drawing: from the most probable that make up this much only."""
    seed: int = 1
    """When drawing: the same seed gives the same caption."""
    out: Path = Path()
    """The folder for a picture NAME_caption.png of each file: where the network looked for every word."""
    picture: bool = True
    """Write it."""

    def __post_init__(self) -> None:
        require(1 <= self.beams <= 100, "beams", "1 to 100", self.beams)
        require(self.length_penalty >= 0, "length_penalty", "0 or more", self.length_penalty)
        require(self.no_repeat_ngram >= 0, "no_repeat_ngram", "0 or more", self.no_repeat_ngram)
        within = self.temperature is None or 0 <= self.temperature <= 100
        require(within, "temperature", "0 to 100", self.temperature)
        require(self.top_k is None or self.top_k >= 1, "top_k", "at least 1", self.top_k)
        require(0 < self.top_p <= 1, "top_p", "above 0, at most 1", self.top_p)
        require(self.seed >= 0, "seed", "0 or more", self.seed)


class Captioner:
    """A bundle that says what it sees.

    Args:
        precision: of the files to use.
    """

    def __init__(self, bundle: Bundle, precision: str, options: Options) -> None:
        self.vocabulary: Vocabulary = load_vocabulary(bundle)
        self.size: int = bundle.preprocessing["image_size"]
        self._max_words: int = bundle.preprocessing["max_words"]
        self._decoder = OnDevice(bundle, precision)
        self._options = options

    def __call__(self, image: np.ndarray) -> Sentence:
        """Return what is said of a picture uint8 (size, size, 3)."""
        options, start = self._options, self.vocabulary.start
        self._decoder.look(image)
        if options.temperature is not None:
            sampler = Sampler(options.temperature, options.top_k, options.top_p)
            rng = np.random.default_rng(options.seed)
            return sample(self._decoder, start, self._max_words, sampler, rng)
        return beam_search(
            self._decoder,
            start,
            self._max_words,
            options.beams,
            options.length_penalty,
            options.no_repeat_ngram,
        )


def predict(
    bundle: Bundle, images: Sequence[Any], variant: str | None, options: Options
) -> Iterator[dict[str, Any]]:
    """Yield the caption of each picture: a file, or an array as the network takes it.

    Of a file, a picture is written of where the network looked.
    """
    if not images:
        raise UserError("expected a picture (JPEG, PNG, ...), got none")
    files = [image for image in images if isinstance(image, str | Path)]
    if files and options.picture:
        require_writable("--out", options.out)
    captioner = Captioner(bundle, bundle.variant(variant)["precision"], options)
    for image in images:
        seen = picture_of(image, captioner.size)
        sentence = captioner(seen)
        answer = {
            "file": str(image) if isinstance(image, str | Path) else None,
            "caption": captioner.vocabulary.decode(sentence.words),
            "log_probability": round(sentence.log_probability, 4),
        }
        if isinstance(image, str | Path) and options.picture:
            answer["picture"] = str(_write_picture(Path(image), seen, sentence, captioner, options.out))
        yield answer


def _write_picture(
    file: Path, seen: np.ndarray, sentence: Sentence, captioner: Captioner, folder: Path
) -> Path:
    from .picture import png

    path = folder / f"{file.stem}_caption.png"
    words = captioner.vocabulary.decode(sentence.words).split()
    write_atomically(path, png(seen, words, sentence.attention))
    return path


def describe(answer: dict[str, Any]) -> str:
    """Return one line: the caption, and where to look."""
    caption = answer["caption"] or "(no word)"
    file = f"{answer['file']}: " if answer["file"] else ""
    where = f"   (where it looked: {answer['picture']})" if "picture" in answer else ""
    return f"{file}{caption}{where}"
