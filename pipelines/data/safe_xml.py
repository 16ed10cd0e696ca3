"""Read XML of strangers: nothing is loaded, no entity is expanded, and sizes have limits."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from ..errors import UserError
from .tables import read_bytes

_DEEPEST = 64


class SafeXml:
    """Calls `begin`, `text` and `end` of a subclass for the elements of a file, in their order.

    Args:
        path: the file, also gzipped.
        root: the name of the outermost element.
        what: the words for such a file in messages.
        most: the most bytes that it may have, packed and unpacked.
        doctype: whether it may name its document type, which is never loaded.

    Raises:
        UserError: the file is no such XML, too large or too deep, or declares entities.
    """

    def __init__(
        self, path: Path, root: str, what: str, *, most: int | None = None, doctype: bool = False
    ) -> None:
        self.path = path
        self.open: list[str] = []
        """The names of the elements that are open, the outermost first."""
        self._root, self._what = root, what
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self.text
        self._parser.EntityDeclHandler = self._refuse
        if not doctype:
            self._parser.StartDoctypeDeclHandler = self._refuse
        try:
            self._parser.Parse(read_bytes(path, most), True)
        except (expat.ExpatError, LookupError, ValueError) as error:
            self.fail(f"not XML: {error}")

    @property
    def line(self) -> int:
        """The line that is being read."""
        return self._parser.CurrentLineNumber

    def fail(self, said: str) -> NoReturn:
        """Raise a UserError that names the file and the line."""
        raise UserError(f"{self.path}:{self.line}: {said}") from None

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def text(self, text: str) -> None:
        """A part of the text in an element."""

    def end(self, name: str) -> None:
        """An element ends; it is no longer in `open`."""

    def _refuse(self, *_: object) -> None:
        self.fail("expected no declarations of entities or document types")

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        if not self.open and name.rpartition(":")[2] != self._root:
            raise UserError(f"{self.path}: expected {self._what}, <{self._root}>, got <{name[:40]}>")
        if len(self.open) >= _DEEPEST:
            self.fail(f"expected elements at most {_DEEPEST} deep")
        self.open.append(name)
        self.begin(name, attributes)

    def _end(self, name: str) -> None:
        self.open.pop()
        self.end(name)
