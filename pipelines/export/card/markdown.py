"""Markdown and YAML from values that anybody may have chosen: labels, names of data sets, reasons.

No such value can end a table's cell, a code block or a line, or become markup or HTML.
"""

from __future__ import annotations

import itertools
import json
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path, PureWindowsPath
from typing import Any

_LONGEST = 400
_PLAIN = re.compile(r"[\w .,:;/+@()=%'\"-]+")
_MARKUP = re.compile(r"[\\`*{}\[\]<>#|~&$]|(?<![^\W_])_|_(?![^\W_])|^[-+](?= )|^\d+(?=[.)] )|://")
_FOLDERS = re.compile(r"(?<![\w.:/~-])(?:~|[A-Za-z]:)?[\\/](?:[^\\/\s'\"]+[\\/])+")
_YAML_WORD = re.compile(r"[A-Za-z][A-Za-z0-9./_-]*")
_YAML_OTHERWISE = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}


def one_line(value: object, longest: int = _LONGEST) -> str:
    """Return the text of a value on one line, without control characters and invisible ones."""
    seen = (each if unicodedata.category(each)[0] not in "CZ" else " " for each in str(value))
    line = " ".join("".join(seen).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def without_folders(value: Any) -> Any:
    """Return a text in which every absolute path is cut to its last part: it is read elsewhere.

    It is for names of data sets, settings and reasons. Labels may begin with a slash and mean it.

    Args:
        value: a text; of a list each text is cut, and anything else stays as it is.
    """
    if isinstance(value, list | tuple):
        return [without_folders(each) for each in value]
    if not isinstance(value, str):
        return value
    if PureWindowsPath(value).is_absolute() or Path(value).is_absolute() or value.startswith("~"):
        return re.split(r"[\\/]", value.rstrip("\\/"))[-1]
    return _FOLDERS.sub("", value)


def text(value: object, longest: int = _LONGEST) -> str:
    """Return a value as running text: characters that mean something to Markdown become entities."""
    line = one_line(value, longest)
    return _MARKUP.sub(lambda found: "".join(f"&#{ord(each)};" for each in found[0]), line)


def code(value: object) -> str:
    """Return a value in the font of code, or as text if it has characters that end code or a cell."""
    line = one_line(value)
    return f"`{line}`" if _PLAIN.fullmatch(line) else text(line)


def fence(content: str, language: str) -> str:
    """Return a block of code that its content can't end."""
    longest = max((len(run) for run in re.findall("`+", content)), default=0)
    marks = "`" * max(3, longest + 1)
    return f"{marks}{language}\n{content}\n{marks}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of cells in Markdown, without columns that are empty in every row; "" for no rows."""
    shown = [i for i in range(len(header)) if any(row[i] for row in rows)]
    lines = [header, ["---"] * len(header), *rows]
    cut = [[line[i] for i in shown] for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in cut) if rows else ""


def bullets(lines: Sequence[str]) -> str:
    """Return a list of lines in Markdown; "" for none."""
    return "\n".join(f"- {line}" for line in lines)


def yaml(value: Any, indent: int = 0) -> str:
    """Return mappings, lists, texts and numbers as YAML; the values of a mapping that are None are left out.

    Texts that are no plain word are quoted as in JSON, which every reader of YAML takes.
    """
    space = "  " * indent
    if isinstance(value, Mapping):
        items = [(key, each) for key, each in value.items() if each is not None]
        return "\n".join(f"{space}{_scalar(key)}:{_nested(each, indent + 1)}" for key, each in items)
    if isinstance(value, list | tuple):
        inner = [yaml(each, indent + 1) for each in value]
        return "\n".join(f"{space}- {each.removeprefix(space + '  ')}" for each in inner)
    return f"{space}{_scalar(value)}"


def _nested(value: Any, indent: int) -> str:
    is_block = isinstance(value, Mapping | list | tuple)
    if is_block and not value:
        return " {}" if isinstance(value, Mapping) else " []"
    return f"\n{yaml(value, indent)}" if is_block else f" {_scalar(value)}"


def _scalar(value: Any) -> str:
    if isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, float):
        return f"{value:.6f}" if math.isfinite(value) else json.dumps(str(value))
    line = one_line(value)
    plain = _YAML_WORD.fullmatch(line) and line.lower() not in _YAML_OTHERWISE
    return line if plain else json.dumps(line, ensure_ascii=False)


def listed(values: Sequence[str], most: int = 24) -> str:
    """Return values as text with commas, the first ones only if there are many."""
    shown = ", ".join(itertools.islice(values, most))
    return f"{shown} and {len(values) - most:,} more" if len(values) > most else shown
