"""What Python says of the images that the page of a bundle carries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pipelines.app import Page
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.image import resized
from pipelines.page.golden import CASES, Golden

from .predict import Captioner, Options, attention_of


def settings() -> Mapping[str, Any]:
    """Return the defaults of the search, which the page has too."""
    options = Options()
    return {"beams": options.beams, "length_penalty": options.length_penalty}


def inputs(bundle: Bundle) -> Sequence[np.ndarray]:
    """Return drawn scenes as the network reads them."""
    from .embedded.drawing import render  # imported late, as they are needed for this alone
    from .embedded.scenes import scenes

    size = bundle.preprocessing["image_size"]
    drawn = scenes({"train": 0, "validation": 0, "test": CASES, "novel": 0})["test"]
    return [resized(render(scene), size) for scene in drawn]


def answers(bundle: Bundle, file: str, images: Sequence[np.ndarray]) -> Iterator[Golden]:
    """Yield for each image its caption, the log-probability and the attention of each word."""
    captioner = Captioner(bundle, bundle.variant(file)["precision"], Options())
    for image in images:
        caption = captioner(image)
        outputs = np.concatenate([[caption.log_probability], *attention_of(caption)])
        yield Golden(answer=captioner.vocabulary.decode(caption.tokens), outputs=outputs)


PAGE = Page("captions", inputs, answers, settings())
