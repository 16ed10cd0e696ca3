"""How pages read recordings and tables, and follow a stream, in Node.js: equal to Python."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from apps.sensor_signals.features import stretches_of
from pipelines.errors import UserError
from pipelines.tasks.segments import SegmentOptions, segments

_CHANNELS = ("ax [g]", "gyro (deg/s)", "ecg")


class _Bundle:
    preprocessing = {"channels": list(_CHANNELS), "sample_rate": 20.0}  # noqa: RUF012
    manifest = {"config": {"label_column": "label", "subject_column": "subject", "recorded_rate": None}}  # noqa: RUF012


def _csv(times: np.ndarray, header: str, rng: np.random.Generator, *, missing: tuple[int, ...] = ()) -> str:
    rows = [header]
    for place, time in enumerate(times):
        cells = [f"{each:.6g}" for each in rng.normal(size=3)]
        if place in missing:
            cells[1] = "NA"
        rows.append(",".join([f"{time:.4f}", *cells, '"a, b"']))
    return "\n".join(rows) + "\n"


def recordings(folder: Path) -> list[dict]:
    """Return files, and the stretches that Python makes of them, or what it says."""
    rng, found = np.random.default_rng(11), []
    even = np.arange(60) / 20
    common, fast = "time,ecg,ax [m/s2],gyro [rad/s],note", np.arange(200) / 50
    files = {
        "even": _csv(even, "time,ax [mg],gyro (deg/s),ecg,note", rng),
        "units": _csv(even, common, rng),
        "none": _csv(even, "time,ax,gyro,ecg,note", rng),
        "short": _csv(even, common, rng, missing=(7, 8, 30)),
        "long": _csv(even, common, rng, missing=(0, *range(20, 26), 59)),
        "gap": _csv(np.concatenate([even[:20], even[:15] + 4]), common, rng),
        "fast": _csv(fast, common, rng),
        "slow": _csv(np.arange(30) / 8, common, rng),
        "back": _csv(even[::-1], common, rng),
        "lacks": _csv(even, "time,ax,gyro,other,note", rng),
    }
    for name, text in files.items():
        path = folder / f"{name}.csv"
        path.write_text(text)
        case = {"file": path.name, "text": text, "channels": _CHANNELS, "rate": 20.0}
        try:
            made = stretches_of(_Bundle, path)
        except UserError as error:
            case["error"] = str(error).removeprefix(f"{folder}/")
        else:
            case["stretches"] = [
                {"start": each.start, "samples": each.signal.ravel().tolist()} for each in made
            ]
        found.append(case)
    return found


def streams() -> list[dict]:
    """Return streams of posteriors, and their segments."""
    rng, found = np.random.default_rng(12), []
    labels = ["a", "b", "_none_"]
    for smoothing, enter, leave, delay in ((40, 0.5, 0.5, 0.0), (400, 0.6, 0.3, 0.1), (800, 0.5, 0.5, 0.0)):
        posteriors = rng.dirichlet([0.4] * 3, 30).repeat(rng.integers(1, 20, 30), axis=0)
        options = SegmentOptions(smoothing_ms=smoothing, enter=enter, leave=leave)
        spans = segments(posteriors, labels, 0.04, options)
        kept = [
            {"start": max(0.0, s.start - delay), "end": s.end - delay, "label": s.label}
            for s in spans
            if s.end > delay
        ]
        settings = {"smoothing_ms": smoothing, "enter": enter, "leave": leave, "ignored": ["_none_"]}
        case = {"labels": labels, "settings": settings, "delay": delay, "step": 0.04, "spans": kept}
        found.append({**case, "posteriors": posteriors.tolist()})
    return found


def test_recordings_and_streams_are_those_of_python(node_test, tmp_path):
    node_test("streams.test.mjs", {"recordings": recordings(tmp_path), "streams": streams()})
