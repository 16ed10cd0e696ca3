"""Three roads to music: the embedded corpus, a TFDS name, the user's own files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from pipelines.config import require
from pipelines.data.examples import Data, Examples
from pipelines.data.midi_files import read_midi
from pipelines.data.music_files import ABC, MIDI, WITH_SPLITS, read_splits
from pipelines.data.source import is_path
from pipelines.data.tfds_sets import DATA_DIR, prepare
from pipelines.errors import UserError

from .config import MusicConfig
from .features import settings_of

_HELD_OUT = 0.1
_NAMED = 5  # files in a note
_SPLITS = ("train", "validation", "test")
Pieces = dict[str, list[np.ndarray]]


def load(config: MusicConfig) -> Data:
    """Return the music that `config.dataset` names, by split; nothing falls back to another road.

    Raises:
        UserError: one line, when the data set is unknown, can't be had, or holds too little music.
    """
    if config.dataset == "embedded":
        return _embedded(config)
    if is_path(config.dataset) or Path(config.dataset).suffix.lower() in (*MIDI, *ABC, *WITH_SPLITS):
        return _from_path(Path(config.dataset).expanduser(), config)
    return _from_tfds(config)


def _embedded(config: MusicConfig) -> Data:
    from .embedded.corpus_pieces import STEPS_PER_BEAT
    from .embedded.music_corpus import MusicCorpus

    given = config.steps_per_beat
    require(given == STEPS_PER_BEAT, "steps_per_beat", f"{STEPS_PER_BEAT} for embedded music", given)
    folder = config.data_dir or DATA_DIR
    builder = prepare(
        lambda: MusicCorpus(data_dir=str(folder.expanduser()), config=config.collection), folder
    )
    pieces = {split: [row["grid"] for row in _rows(builder, split)] for split in _SPLITS}
    return _complete(pieces, builder.info.full_name, [], config)


def _from_tfds(config: MusicConfig) -> Data:
    """Return a TFDS set with MIDI files in a feature `midi`; of a set of drums the drums."""
    import tensorflow_datasets as tfds

    name, folder = config.dataset, config.data_dir or DATA_DIR
    try:
        builder = prepare(
            lambda: tfds.builder(name, data_dir=str(folder.expanduser()), try_gcs=False), folder
        )
    except UserError:
        raise
    except Exception as error:  # a builder may raise anything; what it says goes to the user
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise UserError(f"--dataset {name}: can't be had in {folder}: {reason}") from error
    source = builder.info.full_name
    if "midi" not in builder.info.features:
        listed = ", ".join(builder.info.features)
        raise UserError(f"{source}: expected a feature midi with MIDI files, found {listed}")
    reader = _Reader(config, drums=name.startswith("groove"))
    pieces = {
        split: reader.all((f"{split}[{i}]", row["midi"]) for i, row in enumerate(_rows(builder, split)))
        for split in _SPLITS
        if split in builder.info.splits
    }
    return _complete(pieces, source, reader.notes(source), config)


def _rows(builder: Any, split: str) -> Iterable[dict[str, Any]]:
    import tensorflow_datasets as tfds

    read = tfds.ReadConfig(try_autocache=False)
    return tfds.as_numpy(builder.as_dataset(split=split, shuffle_files=False, read_config=read))


def _from_path(path: Path, config: MusicConfig) -> Data:
    if path.suffix.lower() in WITH_SPLITS:
        return _complete(read_splits(path), path.name, [], config)
    if not path.exists():
        raise UserError(f"{path}: no such file or folder")
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    music = [file for file in files if file.suffix.lower() in (*MIDI, *ABC)]
    if not music:
        raise UserError(f"{path}: expected MIDI or ABC files, found none")
    reader, pieces = _Reader(config), Pieces()
    for file in tqdm(music, desc="reading", unit="file", file=sys.stderr, leave=False):
        folders = [part for part in file.relative_to(path).parts[:-1] if part in _SPLITS] or ["train"]
        pieces.setdefault(folders[0], []).extend(reader.one(str(file), file))
    return _complete(pieces, path.name, reader.notes(path.name), config)


class _Reader:
    """Reads files, and keeps the names of those that can't be read."""

    def __init__(self, config: MusicConfig, drums: bool = False) -> None:
        self.steps_per_beat, self.drums = config.steps_per_beat, drums
        self.read, self.outside = 0, 0
        self.refused: list[str] = []

    def all(self, sources: Iterable[tuple[str, Path | bytes]]) -> list[np.ndarray]:
        return [piece for name, source in sources for piece in self.one(name, source)]

    def one(self, name: str, source: Path | bytes) -> list[np.ndarray]:
        try:
            if isinstance(source, Path) and source.suffix.lower() in ABC:
                from pipelines.data.abc_files import read_abc

                pieces = read_abc(source, self.steps_per_beat)
            else:
                score = read_midi(source, self.steps_per_beat, self.drums, name)
                pieces = [score.piece]
                self.outside += score.outside
        except UserError as error:
            self.refused.append(str(error))
            return []
        self.read += 1
        return pieces

    def notes(self, source: str) -> list[str]:
        said = []
        if self.refused:
            some = "; ".join(self.refused[:_NAMED]) + ("; ..." if len(self.refused) > _NAMED else "")
            said.append(
                f"{source}: {len(self.refused):,} of {self.read + len(self.refused):,} files left out: {some}"
            )
        if self.outside:
            said.append(f"{source}: {self.outside:,} notes outside the 88 keys left out")
        return said


def _complete(pieces: Pieces, source: str, said: Sequence[str], config: MusicConfig) -> Data:
    """Return the data with all three splits; pieces are held out of train where the source has none."""
    notes = list(said)
    fits = _fits(config)
    kept = {name: [piece for piece in pieces.get(name, []) if fits(piece)] for name in _SPLITS}
    if left_out := sum(map(len, pieces.values())) - sum(map(len, kept.values())):
        notes.append(f"{source}: {left_out:,} pieces left out, not being for four voices")
    train = _without_copies(kept)
    if copies := len(kept["train"]) - len(train):
        notes.append(f"{source}: {copies:,} training pieces left out, being copies")
    rng = np.random.default_rng(config.seed)
    for name in ("test", "validation"):
        if not kept[name]:
            train, kept[name] = _hold_out(train, rng)
            notes.append(
                f"{source}: no {name} split, so {len(kept[name]):,} pieces of train are held out "
                f"(seed {config.seed})"
            )
    kept["train"] = train
    if lacking := [name for name in _SPLITS if not kept[name]]:
        raise UserError(
            f"{source}: expected music for all of {', '.join(_SPLITS)}, found none for {lacking[0]}"
        )
    return Data({name: _examples(some) for name, some in kept.items()}, (), source, tuple(notes))


def _without_copies(pieces: Pieces) -> list[np.ndarray]:
    """Return the training pieces that are in no other split, each once."""
    seen = {piece.tobytes() for name, some in pieces.items() if name != "train" for piece in some}
    once = {piece.tobytes(): piece for piece in pieces["train"]}
    return [piece for content, piece in once.items() if content not in seen]


def _hold_out(
    train: Sequence[np.ndarray], rng: np.random.Generator
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the rest, and a tenth, at least one."""
    count = max(1, round(_HELD_OUT * len(train)))
    chosen = set(rng.permutation(len(train))[:count].tolist())
    rest = [piece for i, piece in enumerate(train) if i not in chosen]
    return rest, [train[i] for i in sorted(chosen)]


def _fits(config: MusicConfig) -> Callable[[np.ndarray], bool]:
    voices = settings_of(config)["voices"] if config.representation == "voices" else None
    return lambda piece: len(piece) > 0 and (voices is None or piece.shape[1] == voices)


def _examples(pieces: list[np.ndarray]) -> Examples:
    """Return pieces with their numbers of steps, which are not what a network learns: see `features`."""
    return Examples(pieces, np.array([len(piece) for piece in pieces], np.int64))
