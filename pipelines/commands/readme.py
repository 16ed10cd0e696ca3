"""Replace the part of a README that is generated from a record."""

from __future__ import annotations

from pathlib import Path

from ..files import write_atomically

END_MARKER = "<!-- end of results -->"


def renew_readme(readme: Path, source: str, text: str) -> None:
    """Replace the generated part of a README; nothing happens if the file or its markers are missing.

    Args:
        readme: the file.
        source: the file name of the record, which the first marker holds.
        text: the new content between the markers.
    """
    if readme.is_file() and begin_marker(source) in readme.read_text():
        write_atomically(readme, with_results(readme.read_text(), source, text).encode())


def with_results(readme: str, source: str, text: str) -> str:
    """Return the text of a README with new content between the markers of a record.

    Args:
        readme: the text of the README.
        source: the file name of the record, which the first marker holds.
        text: the new content between the markers.
    """
    before, rest = readme.split(begin_marker(source))
    _, _, after = rest.partition(END_MARKER)
    return f"{before}{begin_marker(source)}\n{text}\n{END_MARKER}{after}"


def begin_marker(source: str) -> str:
    """Return the line before the generated content; `source` is the file name of the record."""
    return f"<!-- results: generated from {source}, do not edit -->"
