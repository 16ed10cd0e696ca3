"""How the JavaScript of pages reads series of numbers, in Node.js: equal to Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from apps.forecasting.features import encode
from apps.forecasting.series_input import recent_series
from pipelines.app import SHIPPED, folder_of
from pipelines.data.time_steps import Step
from pipelines.errors import UserError

_MANIFEST = json.loads((folder_of("forecasting") / SHIPPED / "manifest.json").read_text())


class _Bundle:
    """What is read of a bundle."""

    def __init__(self, step: tuple[int, int], *, masked: bool, covariates: tuple[str, ...] = ()) -> None:
        config = {"look_back": 5, "horizon": 3, "covariates": list(covariates), "targets": ["a", "b"]}
        self.manifest = {"config": _MANIFEST["config"] | config}
        sizes = {"look_back": 5, "horizon": 3, "targets": ["a", "b"], "step": list(step), "masked": masked}
        columns = 2 + len(covariates)
        fill = [0.5, -1.5, 2.5][:columns] + [0.0] * (2 * len(Step(*step).periods))
        observed = {"observed": columns, "fill": fill}
        self.preprocessing = {**_MANIFEST["preprocessing"], **sizes, **observed}


def _csv(times: list[str], rng: np.random.Generator, *, missing: tuple[int, ...] = (), empty: int = 0) -> str:
    rows = ["when,b,other,a,c"]
    for place, time in enumerate(times):
        a, b, c = (f"{each:.5g}" for each in rng.normal(size=3))
        a = "" if place in missing or place >= len(times) - empty else a
        b = "NA" if place in missing[1:] or place >= len(times) - empty else b
        rows.append(",".join([time, b, "x", a, c]))
    return "\n".join(rows)


def _times(start: str, unit: str, count: int) -> list[str]:
    return [str(each) for each in np.datetime64(start, unit) + np.arange(count)]


def series(folder: Path) -> list[dict[str, Any]]:
    """Return tables, and what Python reads of them, or what it says."""
    rng, found = np.random.default_rng(16), []
    days = _times("2023-12-28", "D", 12)
    slashes = [each.replace("-", "/") for each in days]
    months = [f"{each}-01" for each in _times("2023-08", "M", 9)]
    ends = [str(np.datetime64(each, "M") + 1 - np.timedelta64(1, "D")) for each in _times("2023-11", "M", 8)]
    hours = [each.replace("T", " ") for each in _times("2024-02-28T20:00", "h", 9)]
    day, month, hour, none = (86400, 0), (0, 1), (3600, 0), (0, 0)
    cases = [
        ("days", _csv(days, rng), _Bundle(day, masked=False)),
        ("slashes", _csv(slashes, rng, missing=(7, 9, 10), empty=1), _Bundle(day, masked=True)),
        ("unsorted", _csv([*days[6:], *days[:6]], rng), _Bundle(day, masked=True)),
        ("gaps", _csv([*days[:6], *days[8:]], rng), _Bundle(day, masked=True)),
        ("first", _csv(days, rng, missing=(6, 7, 8, 9)), _Bundle(day, masked=True, covariates=("c",))),
        ("months", _csv(months, rng), _Bundle(month, masked=False, covariates=("c",))),
        ("ends", _csv(ends, rng), _Bundle(month, masked=False)),
        ("hours", _csv(hours, rng), _Bundle(hour, masked=False)),
        ("none", _csv(days, rng), _Bundle(none, masked=False)),
        ("short", _csv(days[:4], rng), _Bundle(day, masked=False)),
        ("step", _csv(hours, rng), _Bundle(day, masked=False)),
        ("lacks", _csv(days, rng).replace(",b,", ",z,"), _Bundle(day, masked=False)),
        ("times", _csv([*days[:5], "soon", *days[6:]], rng), _Bundle(day, masked=False)),
    ]
    for name, text, bundle in cases:
        if name == "none":
            bundle.manifest["config"]["time_column"] = ["none"]
        path = folder / f"{name}.csv"
        path.write_text(text)
        manifest = {"config": bundle.manifest["config"], "preprocessing": bundle.preprocessing}
        case = {"file": path.name, "text": text, "manifest": manifest}
        try:
            (made,) = recent_series(bundle, path)
        except UserError as error:
            found.append({**case, "error": str(error)})
            continue
        window = encode(bundle, [made.window])[0]
        ahead = [str(each) for each in made.times]
        found.append({**case, "window": window.ravel().tolist(), "ahead": ahead, "rows": len(made.table)})
    return found


def test_series_are_read_as_in_python(node_test, tmp_path):
    cases = series(tmp_path)
    assert [each["file"] for each in cases if "error" in each] == [
        "short.csv",
        "step.csv",
        "lacks.csv",
        "times.csv",
    ]
    node_test("series.test.mjs", {"series": cases})
