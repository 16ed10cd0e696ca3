"""Composes music on the device, or scores given pieces, with numpy and LiteRT only."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.config import require
from pipelines.data.midi_files import write_midi
from pipelines.data.note_grid import notes
from pipelines.errors import UserError
from pipelines.files import PREDICTIONS, require_place, write_atomically
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import runner_of
from pipelines.ondevice.step_network import StreamNetwork
from pipelines.tasks.generation import SamplingOptions, nll

from .features import encode, encode_targets, read, representation_of
from .generate import Composer, key_of, opening

VOICES = ("Soprano", "Alto", "Tenor", "Bass")
_LONGEST_SECONDS = 3600.0


@dataclass(frozen=True)
class Options(SamplingOptions):
    """Without inputs, compose a piece; with inputs, score each of them."""

    out: Path = PREDICTIONS / "piece.mid"
    """The MIDI file to write; a WAV file and an image of the piano roll are written to the same folder. The
    folder must exist; the default one is made."""
    seconds: float = 60.0
    """Length of the piece. A harmonised melody keeps its own length."""
    tempo: float = 84.0
    """Quarter notes a minute."""
    temperature: float = 0.9
    """1 draws from the network's own distribution, lower favours probable notes, 0 takes the most
    probable."""
    top_p: float = 0.98
    """Draw from the most probable notes that together have this probability (nucleus sampling)."""
    primer: Path | None = None
    """Continue the music of this MIDI file."""
    key: str | None = None
    """Begin with the tonic chord of this key: C, f#, Bb; lower case is minor."""
    harmonise: Path | None = None
    """Keep the highest voice of this MIDI file, and add three voices below it."""
    wav: bool = True
    """Write the WAV file."""

    def __post_init__(self) -> None:
        super().__post_init__()
        within = 0 < self.seconds <= _LONGEST_SECONDS
        require(within, "seconds", f"above 0, at most {_LONGEST_SECONDS:g}", self.seconds)
        require(10 <= self.tempo <= 400, "tempo", "10 to 400", self.tempo)
        midi = self.out.suffix.lower() in (".mid", ".midi")
        require(midi, "out", "a name that ends in .mid", str(self.out))
        given = [name for name in ("primer", "key", "harmonise") if getattr(self, name) is not None]
        if len(given) > 1:
            got = " and ".join(f"--{name}" for name in given)
            raise UserError(f"expected only one of --primer, --key, --harmonise, got {got}")


def predict(
    bundle: Bundle, inputs: Sequence[Any], variant: str | None = None, options: Options | None = None
) -> list[dict[str, Any]]:
    """Score each input (a file or a grid); without inputs, compose one piece and write it."""
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
    import mido  # noqa: F401 - without mido this fails before composing

    settings = bundle.preprocessing
    representation = representation_of(settings)
    steps_per_beat = settings["steps_per_beat"]
    require_place("--out", options.out)
    primer, melody = _given(options, settings)
    steps = round(options.seconds * options.tempo / 60 * steps_per_beat) if melody is None else len(melody)
    network = StreamNetwork.of(bundle, variant)
    composer = Composer(network, representation, options.sampler, options.seed)
    started = time.perf_counter()
    piece = composer.compose(max(1, steps), primer=primer, melody=melody)
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
    """Return the primer and the melody that the options name, or None for each."""
    if options.harmonise is not None:
        if settings["kind"] != "voices":
            raise UserError(
                f"--harmonise: needs a network trained on voices, got one trained on {settings['kind']}"
            )
        return None, read(options.harmonise, settings | {"kind": "melody"})
    if options.key is not None:
        return opening(options.key, representation_of(settings)), None
    return None if options.primer is None else read(options.primer, settings), None


def _write(piece: np.ndarray, steps_per_beat: int, options: Options) -> dict[str, str]:
    """Write all files, and return the names of the files other than the MIDI file."""
    from pipelines.tasks.music_picture import png

    names = voice_names(piece)
    write_atomically(options.out, write_midi(piece, steps_per_beat, options.tempo, names))
    picture = options.out.with_suffix(".png")
    write_atomically(picture, png(piece, steps_per_beat, names))
    files = {"picture": str(picture)}
    if options.wav:
        from pipelines.tasks.music_sound import synthesise, wav

        sound = options.out.with_suffix(".wav")
        write_atomically(sound, wav(synthesise(piece, 60 / options.tempo / steps_per_beat)))
        files["wav"] = str(sound)
    return files


def voice_names(piece: np.ndarray) -> list[str]:
    """Return the names of the MIDI tracks."""
    count = piece.shape[1]
    return list(VOICES) if count == len(VOICES) else [f"Voice {voice + 1}" for voice in range(count)]


def describe(answer: dict[str, Any]) -> str:
    """Return one line: the files and the speed of composing, or the score of a piece."""
    if "midi" not in answer:
        return f"{answer['piece']}: {answer['nll']:.3f} nats a step, over {answer['steps']} steps"
    files = ", ".join(answer[name] for name in ("midi", "wav", "picture") if name in answer)
    return (
        f"{files}: {answer['seconds']:.1f} s of music in {answer['key']}, {answer['notes']} notes, composed "
        f"{answer['times_faster_than_real_time']:.0f} times faster than real time"
    )
