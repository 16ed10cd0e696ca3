"""Read what `--space` narrows, and let Optuna choose in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..config import Range, Space
from ..errors import UserError

if TYPE_CHECKING:
    import optuna

_FORMS = "NAME, NAME=LOW:HIGH or NAME=VALUE,VALUE"


def narrowed(space: Space, words: Sequence[str], fixed: Mapping[str, Any]) -> Space:
    """Return the settings to vary, and between which values.

    Args:
        space: the bounds of the app.
        words: what the user says: `units=32:128`, `cell=gru,lstm`, or `depth` for all that the app allows.
            Without words, everything in `space` is varied that isn't `fixed`.
        fixed: the settings that the user gave as options, and their values.

    Raises:
        UserError: a word has another form, names an unknown or fixed setting, or goes beyond the bounds.
    """
    if not words:
        return {name: bounds for name, bounds in space.items() if name not in fixed}
    found: dict[str, Range | tuple[Any, ...]] = {}
    for word in words:
        name, given, text = word.partition("=")
        key = name.replace("-", "_")
        if key not in space:
            raise UserError(f"--space {word}: expected {_FORMS}, with a name of {', '.join(space)}")
        if key in found:
            raise UserError(f"--space {word}: expected {name} once")
        if key in fixed:
            option = name.replace("_", "-")
            raise UserError(
                f"--space {word}: expected no --{option}, which sets {fixed[key]!r} for all trials"
            )
        found[key] = _bounds(word, text, space[key]) if given else space[key]
    return found


def _bounds(word: str, text: str, within: Range | tuple[Any, ...]) -> Range | tuple[Any, ...]:
    """Return the bounds that a text gives, which must lie in `within`."""
    if isinstance(within, tuple):
        by_text = {str(value).lower(): value for value in within}
        chosen = text.lower().split(",")
        if unknown := [each for each in chosen if each not in by_text]:
            raise UserError(f"--space {word}: expected values of {', '.join(by_text)}, got {unknown[0]!r}")
        return tuple(by_text[each] for each in dict.fromkeys(chosen))
    separator = ":" if ":" in text else ","
    values = [_number(word, each, within) for each in text.split(separator)]
    if separator == ",":
        return tuple(dict.fromkeys(values))
    if len(values) != 2 or values[0] > values[1]:
        raise UserError(f"--space {word}: expected LOW:HIGH with LOW not above HIGH")
    return Range(values[0], values[1], within.logarithmic)


def _number(word: str, text: str, within: Range) -> float:
    whole = isinstance(within.low, int) and isinstance(within.high, int)
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        kind = "whole numbers" if whole else "numbers"
        raise UserError(f"--space {word}: expected {kind}, got {text!r}") from None
    if not within.low <= value <= within.high:
        raise UserError(f"--space {word}: expected {within.low:g} to {within.high:g}, got {text}")
    return value


def as_words(space: Space) -> str:
    """Return a space as a user would type it."""
    return " ".join(
        f"{name}={bounds.low:g}:{bounds.high:g}"
        if isinstance(bounds, Range)
        else f"{name}={','.join(map(str, bounds)).lower()}"
        for name, bounds in space.items()
    )


def suggested(trial: optuna.Trial, space: Space) -> dict[str, Any]:
    """Return the settings that Optuna chooses for a trial."""
    return {name: _suggest(trial, name, bounds) for name, bounds in space.items()}


def _suggest(trial: optuna.Trial, name: str, bounds: Range | tuple[Any, ...]) -> Any:
    if isinstance(bounds, tuple):
        return trial.suggest_categorical(name, bounds)
    low, high = bounds.low, bounds.high
    if isinstance(low, int) and isinstance(high, int):
        return trial.suggest_int(name, low, high, log=bounds.logarithmic)
    return trial.suggest_float(name, low, high, log=bounds.logarithmic)
