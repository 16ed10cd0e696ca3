"""The families that a comparison can include: kinds of layers, and presets of the app."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, get_args

from ..app import App
from ..config import Cell, Config, RecurrentConfig, SequenceConfig, Windowed, require
from ..errors import UserError

USUAL = ("gru", "lstm", "fast_grnn", "min_gru", "tcn", "transformer")
"""The families of a comparison that names none."""
HEADS = 4
"""The units of a transformer are a multiple of this."""


def settings_of(app: App, config: Config, family: str) -> Config:
    """Return the settings that train a family; its units are fitted to the budget afterwards.

    Args:
        app: the app.
        config: the settings of the comparison.
        family: a kind of layer, which replaces that of `config`; or a preset of the app, which gets the data
            and the number of steps of `config`.

    Raises:
        UserError: the app has no such family, or its settings don't go with the layers.
    """
    if not isinstance(config, RecurrentConfig):
        raise UserError(f"compare: expected an app with --cell and --units, got {app.name}")
    if family in kinds_of(config):
        start = -(-config.units // HEADS) * HEADS if "transformer" in family else config.units
        changes: dict[str, Any] = {"cell": family, "units": start}
        return dataclasses.replace(config, **changes)
    preset = app.presets.get(family)
    known = ", ".join((*kinds_of(config), *app.presets))
    if not isinstance(preset, RecurrentConfig):
        raise UserError(f"--include: expected {known}, got {family!r}")
    same = {name: getattr(config, name) for name in _SHARED}
    return dataclasses.replace(preset, **same)


_SHARED = ("dataset", "data_dir", "epochs", "pretraining_epochs", "batch_size", "patience", "seed")
"""What every family has in common: the data and the number of steps."""


def kinds_of(config: Config) -> Sequence[str]:
    """Return the kinds of layers that the network of an app can have."""
    return get_args(Cell) + (get_args(Windowed) if isinstance(config, SequenceConfig) else ())


def require_known(app: App, config: Config, families: Sequence[str]) -> None:
    """Raise a UserError if a family is named twice, is unknown, or can't be made of these settings."""
    require(len(set(families)) == len(families), "include", "each family once", list(families))
    for family in families:
        settings_of(app, config, family)
