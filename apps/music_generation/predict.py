"""Compose on the device, or say how probable given music is: numpy and LiteRT only."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.config import require
from pipelines.errors import UserError
from pipelines.files import require_writable, write_atomically
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Stream, runner_of
from pipelines.ondevice.sampling import Sampler

from .features import encode, encode_targets, read, representation_of
from .generate import OnDevice, compose, key_of, opening
from .metrics import nll
from .midi import write_midi
from .pieces import notes

VOICES = ("Soprano", "Alto", "Tenor", "Bass")
_LONGEST_SECONDS = 3600.0


@dataclass(frozen=True)
class Options:
    """Without inputs a piece is composed; with inputs, each is scored."""

    out: Path = Path("piece.mid")
    """The MIDI file to write; a WAV file and a picture of the piano roll go beside it."""
    seconds: float = 60.0
    """Length of the piece; of a harmonised melody, its own."""
    tempo: float = 84.0
    """Quarter notes a minute."""
    temperature: float = 0.9
    """1: as the network says; lower: the more probable; 0: the most probable, always."""
    top_k: int | None = None
    """Draw from so many of the most probable only."""
    top_p: float = 0.98
    """Draw from the most probable that make up this much only."""
    seed: int = 1
    """The same seed gives the same piece."""
    primer: Path | None = None
    """A MIDI file that the piece goes on from."""
    key: str | None = None
    """Begin with the tonic chord of this key: C, f#, Bb; small letters are minor."""
    harmonise: Path | None = None
    """A MIDI file whose highest voice is kept; the network adds three voices below."""
    wav: bool = True
    """Write the WAV file, too."""

    def __post_init__(self) -> None:
        within = 0 < self.seconds <= _LONGEST_SECONDS
        require(within, "seconds", f"above 0, at most {_LONGEST_SECONDS:g}", self.seconds)
        require(10 <= self.tempo <= 400, "tempo", "10 to 400", self.tempo)
        require(0 <= self.temperature <= 100, "temperature", "0 to 100", self.temperature)
        require(self.top_k is None or self.top_k >= 1, "top_k", "at least 1", self.top_k)
        require(0 < self.top_p <= 1, "top_p", "above 0, at most 1", self.top_p)
        require(self.seed >= 0, "seed", "0 or more", self.seed)
        midi = self.out.suffix.lower() in (".mid", ".midi")
        require(midi, "out", "a name that ends in .mid", str(self.out))
        given = [name for name in ("primer", "key", "harmonise") if getattr(self, name) is not None]
        require(len(given) < 2, given[-1] if given else "", "to come alone", " and ".join(given))


def predict(
    bundle: Bundle, inputs: Sequence[Any], variant: str | None = None, options: Options | None = None
) -> list[dict[str, Any]]:
    """Compose one piece and write it, or where there are inputs (files, grids) score each of them."""
    if not inputs:
        return [_composed(bundle, variant, options or Options())]
    run = runner_of(bundle.variant(variant)["execution"])
    outputs = run(bundle.variant_path(variant)).predict(encode(bundle, inputs))
    targets = encode_targets(bundle, inputs)
    return [
        {
            "piece": str(piece) if isinstance(piece, str | Path) else f"piece {number}",
            "nll": round(nll(output[None], target[None]), 6),
            "steps": int((target.reshape(len(target), -1) >= 0).any(axis=1).sum()),
        }
        for number, (piece, output, target) in enumerate(zip(inputs, outputs, targets, strict=True), 1)
    ]


def _composed(bundle: Bundle, variant: str | None, options: Options) -> dict[str, Any]:
    settings = bundle.preprocessing
    representation = representation_of(settings)
    steps_per_beat = settings["steps_per_beat"]
    require_writable("--out", options.out.parent)
    primer, melody = _given(options, settings)
    steps = round(options.seconds * options.tempo / 60 * steps_per_beat) if melody is None else len(melody)
    network = OnDevice(Stream(bundle.variant_path(bundle.with_execution(variant, "step")["file"])))
    sampler = Sampler(options.temperature, options.top_k, options.top_p)
    rng = np.random.default_rng(options.seed)
    started = time.perf_counter()
    piece = compose(network, representation, max(1, steps), sampler, rng, primer, melody)
    taken = time.perf_counter() - started
    seconds = len(piece) * 60 / options.tempo / steps_per_beat
    return {
        "midi": str(options.out),
        **_write(piece, steps_per_beat, options),
        "seconds": round(seconds, 3),
        "notes": len(notes(piece)),
        "key": key_of(piece),
        "primer_steps": 0 if primer is None else min(len(primer), len(piece)),
        "composed_in_seconds": round(taken, 3),
        "times_faster_than_real_time": round(seconds / taken, 1),
    }


def _given(options: Options, settings: dict[str, Any]) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return what the piece begins with, and the melody that it must have."""
    if options.harmonise is not None:
        if settings["kind"] != "voices":
            raise UserError(f"--harmonise: expected a network of voices, got one of {settings['kind']}")
        return None, read(options.harmonise, settings | {"kind": "melody"})
    if options.key is not None:
        return opening(options.key, representation_of(settings)), None
    return None if options.primer is None else read(options.primer, settings), None


def _write(piece: np.ndarray, steps_per_beat: int, options: Options) -> dict[str, str]:
    """Write the files, each whole or not at all, and return the names of those beside the MIDI file."""
    from .picture import png

    names = voice_names(piece)
    write_atomically(options.out, write_midi(piece, steps_per_beat, options.tempo, names))
    picture = options.out.with_suffix(".png")
    write_atomically(picture, png(piece, steps_per_beat))
    files = {"picture": str(picture)}
    if options.wav:
        from .synthesis import synthesise, wav

        sound = options.out.with_suffix(".wav")
        write_atomically(sound, wav(synthesise(piece, 60 / options.tempo / steps_per_beat)))
        files["wav"] = str(sound)
    return files


def voice_names(piece: np.ndarray) -> list[str]:
    """Return what the tracks are called."""
    count = piece.shape[1]
    return list(VOICES) if count == len(VOICES) else [f"Voice {voice + 1}" for voice in range(count)]


def describe(answer: dict[str, Any]) -> str:
    """Return one line: what was written and how fast, or how probable the piece is."""
    if "midi" not in answer:
        return f"{answer['piece']}: {answer['nll']:.3f} nats a step, over {answer['steps']} steps"
    files = ", ".join(answer[name] for name in ("midi", "wav", "picture") if name in answer)
    return (
        f"{files}: {answer['seconds']:.1f} s of music in {answer['key']}, {answer['notes']} notes, composed "
        f"{answer['times_faster_than_real_time']:.0f} times faster than real time"
    )
