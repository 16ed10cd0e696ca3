"""Write a bundle's card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, Protocol

from ...errors import UserError
from ...files import write_atomically
from ...ondevice.bundle import Bundle
from ...ondevice.manifest import MANIFEST
from ..bundle_writing import manifest_file
from . import results, running, sections
from .about import About
from .front_matter import front_matter

_LIBRARIES = ("tensorflow", "keras", "ai-edge-litert", "ai-edge-quantizer")
CARD = "README.md"
"""The file of the card. It is for people: no hash of it is in the manifest, so that they may edit it."""


class Described(Protocol):
    """What a card takes from an app."""

    @property
    def about(self) -> About | None:
        """What the app says of its networks."""

    @property
    def example(self) -> Sequence[str]:
        """The arguments of an example of its `predict`."""


def card(manifest: Mapping[str, Any], app: Described | None = None, *, has_page: bool = False) -> str:
    """Return the card of a bundle, as Markdown with Hugging Face's YAML at the top.

    Sections about which nothing is known are left out.

    Args:
        manifest: the bundle's. Besides what every manifest has, `record`, `embedded`, `licence` and
            `data_licence` are shown.
        app: the bundle's app; None for an exported model without one.
        has_page: whether the app has a page for browsers.
    """
    about = app.about if app else None
    example = app.example if app else None
    parts = [
        front_matter(manifest, about),
        sections.title(manifest, about),
        *sections.purpose(manifest, about),
        *_section("Limits", sections.limits(manifest, about)),
        *(_section("Data", sections.data(manifest)) if about else ()),
        *(_section("Results", results.scores(manifest)) if about else ()),
        *_section("Files", results.files(manifest, tested=about is not None)),
        *_section("How to run it", running.how_to_run(manifest, example, has_page=has_page)),
        *_section("How it was made", sections.origin(manifest)),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _section(title: str, paragraphs: Iterable[str]) -> list[str]:
    found = [each for each in paragraphs if each]
    return [f"## {title}", *found] if found else []


def versions() -> dict[str, str]:
    """Return the versions of the libraries that exports are made with, as in the record of a run."""
    return {f"version.{name}": version(name) for name in _LIBRARIES}


def write_card(
    bundle: Bundle, app: Described | None = None, *, facts: Mapping[str, Any] | None = None
) -> Bundle:
    """Write the card of a bundle, README.md, in place of an older one.

    Args:
        bundle: the bundle.
        app: the bundle's app; None for an exported model without one.
        facts: entries to add to the manifest first, such as `record`.

    Returns:
        The bundle with the new manifest.

    Raises:
        UserError: the folder can't be written to (read-only, full).
    """
    folder = bundle.folder.resolve()
    try:
        if facts:
            write_atomically(folder / MANIFEST, manifest_file({**bundle.manifest, **facts}))
            bundle = Bundle.open(bundle.folder)
        has_page = getattr(app, "page", None) is not None
        write_atomically(folder / CARD, card(bundle.manifest, app, has_page=has_page).encode())
    except OSError as error:
        raise UserError(f"{bundle.folder}: can't write the card: {error.strerror}") from error
    return bundle
