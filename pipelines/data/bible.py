"""Read the verses of a Bible from a package pythonbible-*, whose module is read as data."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from ..errors import UserError

_FILE = "plain_text_readers_bible.py"
_MARK = re.compile(r"\\+(?:\d+:\d+\\+)?")  # of a chapter and a verse, or what is left of one at an end


def verses(version: str, extra: str) -> dict[int, str]:
    """Return all verses by number, book * 1,000,000 + chapter * 1,000 + verse.

    The package's module is neither imported nor compiled: that takes 180 MB. It holds one long string and two
    dicts with the first and the last place of each verse in it. The package's own functions give wrong verses
    of the version bbe.

    Args:
        version: the name of the version in the package's name, such as "kjv".
        extra: the extra of this project that installs the package, for the message.

    Raises:
        UserError: the package isn't installed.
    """
    found = importlib.util.find_spec(f"pythonbible_{version}")  # find_spec doesn't import it
    if found is None or not found.submodule_search_locations:
        raise UserError(f"the embedded text needs pythonbible-{version}: pip install 'unrolled[{extra}]'")
    code = Path(found.submodule_search_locations[0], _FILE).read_text(encoding="utf-8")
    begin = code.index('"""', code.index("Bible(")) + 3
    end = code.index('"""', begin)
    # The places count characters of the source, so escapes stay as they are.
    text, rest = code[begin:end], code[end:]
    starts, ends = [match.start() for match in re.finditer(r"\n    \{", rest)][:2]
    first, last = _places(rest[starts:ends]), _places(rest[ends : rest.index("}", ends)])
    return {
        number: " ".join(_MARK.sub(" ", text[place : last[number]]).split())
        for number, place in first.items()
    }


def _places(code: str) -> dict[int, int]:
    return {int(number): int(place) for number, place in re.findall(r"(\d+): (\d+)", code)}
