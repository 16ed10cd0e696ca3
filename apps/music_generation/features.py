"""Encodes pieces for the network. Nothing is learned, so the device encodes a piece in the same way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.data.examples import Data, Examples, Features
from pipelines.data.note_grid import outer_voices
from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle

from .config import MusicConfig
from .pianoroll import PianoRoll
from .tokens import Tokens

PADDING = -1
"""The target of a step after the end of a piece."""
_LENGTHS = 12  # about how many lengths training batches have; XLA compiles for each
Representation = PianoRoll | Tokens


@dataclass(frozen=True)
class Transpose:
    """Transposes each example of a batch at random, by at most `semitones`, within the 88 keys."""

    representation: Representation
    semitones: int

    def __call__(
        self, inputs: np.ndarray, targets: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the transposed batch."""
        inputs, targets = inputs.copy(), targets.copy()
        shifts = rng.integers(-self.semitones, self.semitones + 1, len(inputs)).tolist()
        for some, wanted, shift in zip(inputs, targets, shifts, strict=True):
            if span := self.representation.span(wanted):
                self.representation.transpose(some, wanted, max(-span[0], min(87 - span[1], shift)))
        return inputs, targets


def representation_of(settings: Mapping[str, Any]) -> Representation:
    """Return the representation that a bundle's preprocessing settings describe."""
    if settings["kind"] == "pianoroll":
        return PianoRoll(settings["autoregressive"], settings["steps_per_beat"])
    return Tokens(settings["voices"], settings["steps_per_beat"])


def make_features(config: MusicConfig, data: Data) -> Features:
    """Encode every split, padded to the longest piece; pieces longer than `max_steps` are cut."""
    settings = settings_of(config)
    representation = representation_of(settings)
    encoded = {
        name: [representation.encode(prepared(piece, settings)) for piece in split.inputs]
        for name, split in data.splits.items()
    }
    lengths = {name: np.array([len(targets) for _, targets in split]) for name, split in encoded.items()}
    longest = max(int(some.max()) for some in lengths.values())
    steps = min(longest, config.max_steps or longest)
    unit = 8 * math.ceil(steps / _LENGTHS / 8)
    counts = {f"cut.{name}": int((some > steps).sum()) for name, some in lengths.items()}
    rounded = {name: np.minimum(-(-some // unit) * unit, steps) for name, some in lengths.items()}
    return Features(
        inputs={name: _padded([x for x, _ in split], steps, 0) for name, split in encoded.items()},
        targets={name: _padded([y for _, y in split], steps, PADDING) for name, split in encoded.items()},
        labels=data.labels,
        preprocessing=settings | {"steps": steps},
        counts=counts | {"steps": steps},
        lengths=rounded,
        targets_per_step=True,
        augment=Transpose(representation, config.transpose) if config.transpose else None,
    )


def settings_of(config: MusicConfig) -> dict[str, Any]:
    """Return the settings that `representation_of` and `prepared` take, as JSON types."""
    return {
        "kind": config.representation,
        "voices": {"voices": 4, "melody": 1, "pianoroll": 0}[config.representation],
        "autoregressive": config.keys == "autoregressive",
        "steps_per_beat": config.steps_per_beat,
    }


def prepared(piece: np.ndarray, settings: Mapping[str, Any], where: str = "a piece") -> np.ndarray:
    """Return a piece with the voices that the representation expects; a melody keeps the highest voice.

    Raises:
        UserError: the representation expects four voices and the piece has another number.
    """
    if settings["kind"] == "melody":
        return outer_voices(piece)
    if settings["kind"] == "voices" and piece.shape[1] != settings["voices"]:
        raise UserError(
            f"{where}: expected {settings['voices']} voices, each one note at a time, got {piece.shape[1]}: "
            "networks trained with --representation melody or pianoroll take any number"
        )
    return piece


def encode(bundle: Bundle, pieces: Sequence[Any]) -> np.ndarray:
    """Return pieces (grids or files) encoded for the bundle's network, all of the same length.

    Pieces are padded or cut to the length that the network was exported for.
    """
    return _encoded(bundle.preprocessing, pieces)[0]


def encode_targets(bundle: Bundle, pieces: Sequence[Any]) -> np.ndarray:
    """Return the targets of `encode(bundle, pieces)`; -1 after the end of a piece."""
    return _encoded(bundle.preprocessing, pieces)[1]


def targets_of(bundle: Bundle, data: Data, examples: Examples) -> np.ndarray:
    """Return the targets of a split of new data, encoded for the bundle's network."""
    return encode_targets(bundle, examples.inputs)


def _encoded(settings: Mapping[str, Any], pieces: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    representation, steps = representation_of(settings), settings["steps"]
    some = [representation.encode(read(piece, settings)) for piece in pieces]
    return _padded([x for x, _ in some], steps, 0), _padded([y for _, y in some], steps, PADDING)


def read(piece: Any, settings: Mapping[str, Any]) -> np.ndarray:
    """Return a prepared piece from the path of a file, a grid, or a grid as nested lists.

    Raises:
        UserError: one line, when the file can't be read or the piece has the wrong voices.
    """
    if isinstance(piece, str | Path):
        from pipelines.data.music_files import read_piece

        return prepared(read_piece(Path(piece), settings["steps_per_beat"]), settings, str(piece))
    grid = np.asarray(piece)
    if grid.ndim != 2 or grid.dtype.kind not in "iu" or not grid.size:
        raise UserError(f"a piece: expected whole numbers (steps, voices), got {grid.dtype} {grid.shape}")
    return prepared(grid.astype(np.int16), settings)


def _padded(arrays: Sequence[np.ndarray], steps: int, filler: int) -> np.ndarray:
    """Return arrays (length, ...) as one array (N, steps, ...), cut or padded with `filler`."""
    some = np.full((len(arrays), steps, *arrays[0].shape[1:]), filler, arrays[0].dtype)
    for row, array in zip(some, arrays, strict=True):
        row[: len(array)] = array[:steps]
    return some
