"""Translation: writes a text for a text, such as a translation, a simpler version, or an answer."""

from collections.abc import Mapping
from typing import Any

from pipelines.app import lazy, usual_app

_OF_MODEL = ("translator", "make_parts")
_deployed, _parts = (lazy(__name__, "model", name) for name in _OF_MODEL)


def _column(settings: Mapping[str, Any]) -> str:
    """Return the column of the sources. Without a --dataset of its own, a network learned from files."""
    of_files = settings["dataset"].partition("/")[0] == "embedded"
    return "source" if of_files else settings["source"] or "source"


APP = usual_app(
    __name__,
    "Write a target for a text: a translation, a simpler version, an answer, whatever your pairs teach.",
    reads_lines=True,
    also=("targets",),
    input_column=_column,
    example=("And the earth was without form, and void.", "--alternatives", "5"),
    show=lazy(__name__, "plots", "write_samples"),
    deployed=_deployed,
    parts=_parts,
)
