"""Captions images on the device, with numpy, Pillow and LiteRT only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.errors import UserError
from pipelines.files import PREDICTIONS, require_folder, write_atomically
from pipelines.ondevice.beam_search import Hypothesis, Limits
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Model, Stream
from pipelines.ondevice.step_network import StreamNetwork
from pipelines.ondevice.vocabulary import END
from pipelines.tasks.generation import SearchOptions

from .features import load_vocabulary, pixels_of


@dataclass(frozen=True)
class Options(SearchOptions):
    """Options of the search for a caption."""

    out: Path = PREDICTIONS
    """The folder for an image NAME_caption.png of each input file, which shows the attention for each word.
    It must exist; the default one is made."""
    picture: bool = True
    """Write the image that shows the attention."""


class Captioner:
    """Captions images with the parts `encode` and `decode` of a bundle.

    Args:
        bundle: a bundle of this app.
        precision: the precision of the files to use, such as "int8".
        options: how to search for the caption.
    """

    def __init__(self, bundle: Bundle, precision: str, options: Options) -> None:
        self.vocabulary = load_vocabulary(bundle)
        self.size: int = bundle.preprocessing["image_size"]
        self._limits = Limits(self.vocabulary.start, END, bundle.preprocessing["max_words"])
        self._encode = Model(bundle.part_path("encode", precision))
        self._decode = StreamNetwork(Stream(bundle.part_path("decode", precision)))
        self._options = options

    def __call__(self, image: np.ndarray) -> Hypothesis:
        """Return the caption of an image uint8 (size, size, 3), as word ids."""
        self._decode.context = {"features": self._encode(image=image[None])["features"]}
        return self._options.generate(self._decode, self._limits)[0]


def attention_of(caption: Hypothesis) -> list[np.ndarray]:
    """Return the attention weights for each word, (places,) each."""
    return [outputs["attention"] for outputs in caption.outputs]


def predict(
    bundle: Bundle, images: Sequence[Any], variant: str | None, options: Options
) -> Iterator[dict[str, Any]]:
    """Yield the caption of each image: a file, or an array in the shape of the network's input.

    For a file, also write an image that shows the attention for each word.
    """
    if not images:
        raise UserError("expected an image file (JPEG, PNG, ...), got none")
    files = [image for image in images if isinstance(image, str | Path)]
    if files and options.picture:
        require_folder("--out", options.out)
    captioner = Captioner(bundle, bundle.variant(variant)["precision"], options)
    for image in images:
        pixels = pixels_of(image, captioner.size)
        caption = captioner(pixels)
        text = captioner.vocabulary.decode(caption.tokens)
        answer = {
            "file": str(image) if isinstance(image, str | Path) else None,
            "caption": text,
            "log_probability": round(caption.log_probability, 4),
        }
        if isinstance(image, str | Path) and options.picture:
            from pipelines.tasks.generation_attention import png

            path = options.out / f"{Path(image).stem}_caption.png"
            write_atomically(path, png(pixels, text.split(), attention_of(caption)))
            answer["picture"] = str(path)
        yield answer


def describe(answer: dict[str, Any]) -> str:
    """Return one line: the caption, and the file that shows the attention."""
    caption = answer["caption"] or "(no word)"
    file = f"{answer['file']}: " if answer["file"] else ""
    where = f"   (attention: {answer['picture']})" if "picture" in answer else ""
    return f"{file}{caption}{where}"
