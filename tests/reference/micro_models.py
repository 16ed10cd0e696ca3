"""What the tests of C source share: sizes of the models, inputs, and the macros of a header."""

from __future__ import annotations

import re

import numpy as np

from pipelines.export.micro.write import Micro

FEATURES, UNITS, STATE = 8, 12, 20


def step_example(seed: int) -> dict[str, np.ndarray]:
    """Return inputs of one step of the stream, the state included."""
    rng = np.random.default_rng(seed)
    arrays = {"x": rng.normal(size=(1, 1, 3)), "rnn_h": np.tanh(rng.normal(size=(1, STATE)))}
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def macros(micro: Micro) -> dict[str, str]:
    """Return the macros in the header, without the prefix `TINY_`."""
    text = (micro.folder / "tiny.h").read_text()
    return dict(re.findall(r"^#define TINY_(\w+) (.+)$", text, re.MULTILINE))
