"""Four years of Seattle's weather, day by day, from the package vega_datasets."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from pipelines.errors import UserError

_PACKAGE, _FILE = "vega_datasets", "_data/seattle-weather.csv"


def seattle_weather() -> Path:
    """Return the file with the days from 2012 to 2015. The package is read as data and never imported.

    The hourly temperatures of the same package are not used: they are climate normals, not weather.

    Raises:
        UserError: the package isn't installed.
    """
    found = importlib.util.find_spec(_PACKAGE)  # find_spec doesn't import it
    if found is None or not found.submodule_search_locations:
        raise UserError("the embedded series need vega_datasets: pip install 'unrolled[series]'")
    return Path(found.submodule_search_locations[0], _FILE)
