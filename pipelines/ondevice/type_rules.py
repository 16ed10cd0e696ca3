"""Compare the types of an operator's tensors with those that its kernel takes."""

from __future__ import annotations

import functools

TYPES = {
    "f32": 0, "f16": 1, "i32": 2, "u8": 3, "i64": 4, "bool": 6, "i16": 7, "c64": 8, "i8": 9, "f64": 10,
    "c128": 11, "u64": 12, "u32": 15, "u16": 16, "i4": 17, "none": -1,
}  # fmt: skip
"""The numbers of types in the format; -1 stands for a tensor that is absent."""
_NAMES = {number: name for name, number in TYPES.items()}
_Token = tuple[str, frozenset[int]]


@functools.cache
def type_problem(signature: str, variable: str, types: tuple[int, ...], made: tuple[int, ...]) -> str | None:
    """Compare types with a signature as `operators` writes them; return what is wrong, or None.

    Args:
        signature: the alternatives.
        variable: the types that `T` stands for.
        types, made: the types of inputs and outputs.
    """
    same = frozenset(TYPES[name] for name in variable.split())
    alternatives = [tuple(_tokens(side, same) for side in each.split(">")) for each in signature.split(";")]
    if any(_chosen(given, types) & _chosen(results, made) for given, results in alternatives):
        return None
    return _difference(alternatives, types, made)


def _tokens(side: str, same: frozenset[int]) -> list[_Token]:
    """Return the kind of each tensor ("", "T", each with * or ? behind it) and its types."""
    tokens = []
    for word in side.split():
        mark = word[-1] if word[-1] in "*?" else ""
        name = word.removesuffix(mark) if mark else word
        types = same if name == "T" else frozenset(TYPES[each] for each in name.split("|"))
        tokens.append((("T" if name == "T" else "") + mark, types))
    return tokens


def _chosen(tokens: list[_Token], types: tuple[int, ...]) -> frozenset[int]:
    """Return what `T` may be; nothing if the types don't fit, anything if no tensor is of type T."""
    expanded = _spread(tokens, len(types))
    if expanded is None:
        return frozenset()
    found: frozenset[int] | None = None
    for (kind, allowed), number in zip(expanded, types, strict=True):
        if number == -1 and ("?" in kind or -1 in allowed):
            continue
        if number not in allowed:
            return frozenset()
        if "T" in kind:
            found = frozenset({number}) if found is None else found & {number}
    return frozenset(_NAMES) if found is None else found


def _spread(tokens: list[_Token], count: int) -> list[_Token] | None:
    """Return a token for each of `count` tensors, or None if they are too many or too few."""
    least = sum("*" not in kind and "?" not in kind for kind, _ in tokens)
    starred = [token for token in tokens if "*" in token[0]]
    if starred:  # always the last
        return tokens[:-1] + starred * (count - len(tokens) + 1) if count >= max(least, 1) else None
    return tokens[:count] if _required(tokens, count) else None


def _required(tokens: list[_Token], count: int) -> bool:
    return count <= len(tokens) and all("?" in kind for kind, _ in tokens[count:])


def _difference(
    alternatives: list[tuple[list[_Token], ...]], types: tuple[int, ...], made: tuple[int, ...]
) -> str:
    """Say what is wrong: how many tensors there are, that one is absent, or else their types."""
    for side, found, what in ((0, types, "input"), (1, made, "output")):
        fitting = [each[side] for each in alternatives if _spread(each[side], len(found)) is not None]
        if not fitting:
            return f"expected {_count([each[side] for each in alternatives], what)}, found {len(found)}"
        for place, number in enumerate(found):
            if number == -1 and not any(_may_be_absent(each, place) for each in fitting):
                return f"{what} {place} is absent"
    named = (" ".join(_NAMES.get(number, str(number)) for number in numbers) for numbers in (types, made))
    return f"can't take types {' to '.join(named)}"


def _count(sides: list[list[_Token]], what: str) -> str:
    least = min(sum("?" not in kind for kind, _ in side) for side in sides)
    most = max(len(side) for side in sides)
    if any("*" in kind for side in sides for kind, _ in side):
        return f"{least} or more {what}s"
    return f"one {what}" if least == most == 1 else f"{least} to {most} {what}s"


def _may_be_absent(tokens: list[_Token], place: int) -> bool:
    kind, allowed = tokens[min(place, len(tokens) - 1)]
    return "?" in kind or -1 in allowed
