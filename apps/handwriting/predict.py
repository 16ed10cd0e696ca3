"""Writes with a pen, or reads what a pen wrote, on the device: numpy and LiteRT only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.config import require
from pipelines.data.strokes import Drawing
from pipelines.errors import UserError
from pipelines.files import PREDICTIONS, require_place, write_atomically
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import runner_of
from pipelines.ondevice.pen_mixture import columns, mean_nll, step_counts
from pipelines.ondevice.pen_sampling import PenSampler
from pipelines.ondevice.step_network import StreamNetwork

from .drawing_input import drawings_of
from .reader import Reader
from .rows import Rows
from .writer import Writer

_KINDS = (".svg", ".png", ".gif", ".npz")
_MOST_STEPS = 20_000


@dataclass(frozen=True)
class Options:
    """Without inputs, write or draw; with inputs, read each drawing, or score it."""

    write: str = ""
    """The text to write, or the label to draw, as the network was trained to."""
    out: Path = PREDICTIONS / "writing.svg"
    """The file to write: .svg, .png, .gif for the moving pen, or .npz for the strokes. The folder must exist;
    the default one is made, and there all of these are written."""
    bias: float = 0.5
    """How neat the writing is: 0 draws from the network's own distribution."""
    seed: int = 0
    """The same seed gives the same drawing."""
    like: Path | None = None
    """Go on in the style of the first drawing in this file. If a text is written, its label must be its
    text."""
    steps: int = 2_000
    """The largest number of steps of the pen."""
    beams: int = 8
    """The number of beginnings that are kept while a text is read; 1 reads greedily."""

    def __post_init__(self) -> None:
        require(self.out.suffix.lower() in _KINDS, "out", f"a name that ends in {_KINDS}", str(self.out))
        require(0 <= self.bias <= 20, "bias", "0 to 20", self.bias)
        require(self.seed >= 0, "seed", "0 or more", self.seed)
        require(1 <= self.steps <= _MOST_STEPS, "steps", f"1 to {_MOST_STEPS:,}", self.steps)
        require(1 <= self.beams <= 100, "beams", "1 to 100", self.beams)


def predict(
    bundle: Bundle, inputs: Sequence[Any], variant: str | None = None, options: Options | None = None
) -> Iterator[dict[str, Any]]:
    """Yield what was written, or for each drawing of the inputs what is read, or its score."""
    options = options or Options()
    writes = bundle.preprocessing["answer"] == "strokes"
    if not inputs:
        if not writes:
            raise UserError("expected a file with drawings to read; this network does not write")
        yield _written(bundle, variant, options)
        return
    drawings = [(each, one) for each in inputs for one in drawings_of(bundle, each)]
    read = Scorer(bundle, variant) if writes else Reader(bundle, variant, options.beams)
    for number, (given, drawing) in enumerate(drawings, 1):
        name = drawing.where or (str(given) if isinstance(given, str | Path) else f"drawing {number}")
        yield {"drawing": name, **read(drawing)}


def _written(bundle: Bundle, variant: str | None, options: Options) -> dict[str, Any]:
    require_place("--out", options.out)
    network = StreamNetwork.of(bundle, variant)
    writer = Writer(network, Rows.of(bundle.preprocessing), bundle.manifest["config"]["mixtures"])
    like = None if options.like is None else drawings_of(bundle, options.like)[0]
    drawing, drawn = writer(
        options.write, PenSampler(options.bias), options.seed, steps=options.steps, like=like
    )
    usual = options.out == Options.out
    files = [options.out.with_suffix(kind) for kind in _KINDS] if usual else [options.out]
    for each in files:
        write_atomically(each, _content(drawing, each.suffix.lower()))
    return {
        "written": options.write,
        "files": [str(each) for each in files],
        "steps": len(drawn.offsets),
        "strokes": int(drawn.offsets[:, 2].sum()),
        "finished": drawn.finished,
    }


def _content(drawing: Drawing, kind: str) -> bytes:
    """Return the content of a file."""
    if kind == ".npz":
        from pipelines.data.stroke_arrays import npz_of

        return npz_of([drawing])
    from pipelines.tasks import stroke_pictures  # needs Pillow, which a device may lack

    if kind == ".svg":
        return stroke_pictures.svg(drawing).encode()
    return stroke_pictures.png(drawing) if kind == ".png" else stroke_pictures.gif(drawing)


class Scorer:
    """Tells how well the network expects a drawing.

    Args:
        bundle: of this app, whose network writes.
        variant: a file or a precision.
    """

    def __init__(self, bundle: Bundle, variant: str | None) -> None:
        self._run = runner_of(bundle.variant(variant)["execution"])(bundle.variant_path(variant))
        self._rows = Rows.of(bundle.preprocessing)
        self._size = columns(bundle.manifest["config"]["mixtures"])

    def __call__(self, drawing: Drawing) -> dict[str, Any]:
        """Return the negative log-likelihood in nats a step, and the steps."""
        outputs = self._run.predict(self._rows.of_all([drawing]))[..., : self._size]
        targets = self._rows.targets(drawing)[None]
        return {
            "nll": round(float(mean_nll(outputs, targets)[0]), 6),
            "steps": int(step_counts(targets)[0]),
        }


def describe(answer: dict[str, Any]) -> str:
    """Return one line: the files, what was read, or the score."""
    if "files" in answer:
        what = f"{answer['written']!r}" if answer["written"] else "a drawing"
        stopped = "" if answer["finished"] else "  (stopped: it has the largest length)"
        strokes = f"{answer['strokes']} strokes, {answer['steps']} steps"
        return f"{what}: {', '.join(answer['files'])}  ({strokes}){stopped}"
    if "nll" in answer:
        return f"{answer['drawing']}: {answer['nll']:.3f} nats a step, over {answer['steps']} steps"
    if "text" in answer:
        return f"{answer['drawing']}: {answer['text']}"
    return f"{answer['drawing']}: {answer['label']} ({answer['probability']:.2f}); by stroke: " + " ".join(
        each["label"] for each in answer["by_stroke"]
    )
