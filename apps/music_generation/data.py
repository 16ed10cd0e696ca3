"""Reads music: the embedded corpus, a TFDS set with MIDI files, or the user's own files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines.config import require
from pipelines.data import source
from pipelines.data.examples import Data
from pipelines.data.music_sources import (
    SPLITS,
    Pieces,
    complete_pieces,
    pieces_from_builder,
    pieces_from_files,
)
from pipelines.data.tfds_sets import open_split

from .config import MusicConfig
from .features import settings_of


def load(config: MusicConfig, as_given: bool = False) -> Data:
    """Return the music that `config.dataset` names, by split. Targets are the numbers of steps.

    With `as_given`, for music that is only scored, no split is required, and nothing is held out.

    Raises:
        UserError: one line, when the data set is unknown, can't be prepared, or holds too little music.
    """
    import mido  # noqa: F401 - training writes MIDI samples: without mido it fails here, not after an epoch

    seed = None if as_given else config.seed

    def embedded(data_dir: str) -> Any:
        from .embedded.corpus_pieces import STEPS_PER_BEAT
        from .embedded.music_corpus import MusicCorpus

        given = config.steps_per_beat
        require(given == STEPS_PER_BEAT, "steps_per_beat", f"{STEPS_PER_BEAT} for embedded music", given)
        return MusicCorpus(config=config.collection, data_dir=data_dir)

    def from_embedded(builder: Any) -> Data:
        pieces = {
            split: [row["grid"] for row in open_split(builder, split).as_numpy_iterator()] for split in SPLITS
        }
        return _complete(pieces, builder.info.full_name, [], config, seed=seed)

    def from_builder(builder: Any) -> Data:
        pieces, notes = pieces_from_builder(builder, config.steps_per_beat)
        return _complete(pieces, builder.info.full_name, notes, config, seed=seed)

    def from_files(path: Path) -> Data:
        pieces, notes = pieces_from_files(path, config.steps_per_beat)
        return _complete(pieces, path.name, notes, config, seed=seed)

    readers = source.Readers(
        embedded={"embedded": embedded},
        from_embedded=from_embedded,
        from_builder=from_builder,
        from_files=from_files,
    )
    return source.load(config, readers)


def _complete(pieces: Pieces, name: str, notes: list[str], config: MusicConfig, *, seed: int | None) -> Data:
    """Leave out pieces that the representation can't hold, and complete the splits."""
    voices = settings_of(config)["voices"] if config.representation == "voices" else None
    kept: Pieces = {split: [] for split in pieces}
    others: list[int] = []  # the numbers of voices of the pieces that are left out
    for split, some in pieces.items():
        for piece in filter(len, some):
            if voices in (None, piece.shape[1]):
                kept[split].append(piece)
            else:
                others.append(piece.shape[1])
    return complete_pieces(kept, source=name, notes=[*notes, *_about(others, name)], seed=seed)


def _about(voices: list[int], name: str) -> list[str]:
    """Return a list with a note about pieces left out because they have these numbers of voices, if any."""
    if not voices:
        return []
    single = voices.count(1)
    counts = [f"{single:,} with one voice (for these: --representation melody)"] if single else []
    if more := len(voices) - single:
        counts.append(f"{more:,} with another number of voices (for these: --representation pianoroll)")
    return [f"{name}: pieces without four voices left out: {', '.join(counts)}"]
