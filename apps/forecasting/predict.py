"""Forecasts series on the device, and marks what no forecast expected: numpy, pandas and LiteRT."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.config import require
from pipelines.errors import UserError
from pipelines.files import PREDICTIONS, require_place, write_atomically, write_csv
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Model, Stream
from pipelines.tasks.forecasting import LEVELS, has_quantiles, interval_of, middle

from .features import encode, observed
from .paths import drawn_paths
from .series_input import Recent, recent_series

_SHOWN = 4


@dataclass(frozen=True)
class Options:
    """Forecast what follows the series in a file, or mark the surprises in it."""

    csv: Path | None = None
    """A CSV or Parquet file with the columns of the training data, in equal steps. The forecast begins after
    the last row with a value; future covariates stand in the rows after it."""
    out: Path = PREDICTIONS / "forecast.csv"
    """The file for the forecasts; a picture of them is written beside it. The folder must exist; the default
    one is made."""
    anomalies: bool = False
    """Instead, mark the values of the file that lie outside the 99 % interval of their forecast one step
    before, and write them to the file."""
    samples: int = 0
    """Also draw so many paths of the future, step by step: columns of the file, and lines in the picture."""
    seed: int = 1
    """The same seed gives the same paths."""

    def __post_init__(self) -> None:
        in_range = 0 <= self.samples <= 1000 and not (self.samples and self.anomalies)
        require(in_range, "samples", "0 to 1000, without --anomalies", self.samples)
        require(self.seed >= 0, "seed", "0 or more", self.seed)


def predict(
    bundle: Bundle, inputs: Sequence[Any], variant: str | None = None, options: Options | None = None
) -> Iterator[dict[str, Any]]:
    """Yield a forecast for each input, a file of series or a window (look_back steps or more, columns).

    Raises:
        UserError: there is no input, or a file can't be read or doesn't fit the network.
    """
    options = options or Options()
    inputs = [*inputs, *([options.csv] if options.csv else [])]
    if not inputs:
        raise UserError("expected a file of series: --csv new.csv")
    files = [each for each in inputs if isinstance(each, str | Path)]
    if len(files) > 1:
        raise UserError(f"expected one file of series, got {len(files)}")
    option = "--anomalies" if options.anomalies else "--samples" if options.samples else ""
    if option and not files:
        raise UserError(f"{option}: expected a file of series: --csv new.csv")
    stream = _stream_of_quantiles(bundle, variant, option) if option else None
    if stream and options.anomalies:
        yield _anomalies(bundle, stream, Path(files[0]), options)
        return
    model = Model(bundle.variant_path(bundle.with_execution(variant, "loop")["file"]))
    for each in inputs:
        if isinstance(each, str | Path):
            yield from _of_file(bundle, model, stream, path=Path(each), options=options)
        else:
            yield {"forecast": _by_target(bundle, model.predict(encode(bundle, [each]))[0])}


def _stream_of_quantiles(bundle: Bundle, variant: str | None, option: str) -> Stream:
    stream = Stream(bundle.variant_path(bundle.with_execution(variant, "step")["file"]))
    ((_, forecast),) = stream.outputs.items()
    if len(forecast.shape) != 4:
        raise UserError(f"{option}: expected a network with quantiles, this one gives points only")
    return stream


def _by_target(bundle: Bundle, outputs: np.ndarray) -> dict[str, Any]:
    """Return the median, and the 80 % interval if there are quantiles, of each target, step by step."""
    found = {}
    for place, name in enumerate(bundle.preprocessing["targets"]):
        one = outputs[None, :, place : place + 1]
        found[name] = {"median": middle(one).ravel().tolist()}
        if has_quantiles(one):
            low, high = interval_of(one, 0.8)
            found[name] |= {"low": low.ravel().tolist(), "high": high.ravel().tolist()}
    return found


def _of_file(
    bundle: Bundle, model: Model, stream: Stream | None, *, path: Path, options: Options
) -> Iterator[dict[str, Any]]:
    """Write the forecasts of a file; `stream` draws the paths, if there are any."""
    require_place("--out", options.out)
    found = recent_series(bundle, path)
    outputs = numbers = model.predict(encode(bundle, [each.window for each in found]))
    header = [f"q{level:g}" for level in LEVELS] if has_quantiles(outputs) else ["forecast"]
    paths = None
    if stream:
        rng = np.random.default_rng(options.seed)
        draw = partial(drawn_paths, bundle, stream, samples=options.samples, rng=rng)
        paths = np.stack([draw(each) for each in found])
        numbers = np.concatenate([outputs, paths], axis=-1)
        header += [f"path_{number + 1}" for number in range(options.samples)]
    rows = [row for each, one in zip(found, numbers, strict=True) for row in _rows(bundle, each, one)]
    write_csv(options.out, [["time", "series", "target", *header], *rows])
    picture = _picture(bundle, found, options.out.with_suffix(".png"), outputs=outputs, paths=paths)
    for each, one in zip(found, outputs, strict=True):
        yield {
            "file": str(path),
            "series": each.name,
            "from": str(each.times[0]),
            "forecast": _by_target(bundle, one),
            "written": str(options.out),
            "picture": picture,
            "notes": each.notes,
        }


def _rows(bundle: Bundle, series: Recent, outputs: np.ndarray) -> Iterator[list[Any]]:
    """Yield a line for each target and time; outputs are (horizon, targets), or with several numbers each."""
    for place, name in enumerate(bundle.preprocessing["targets"]):
        for time, values in zip(series.times, outputs[:, place], strict=True):
            yield [str(time), series.name, name, *(f"{value:.6g}" for value in np.atleast_1d(values))]


def _picture(
    bundle: Bundle, found: list[Recent], path: Path, *, outputs: np.ndarray, paths: np.ndarray | None
) -> str | None:
    """Draw up to four series; return nothing where matplotlib isn't installed."""
    try:
        from pipelines.tasks.forecasting_plots import fans
    except ModuleNotFoundError:
        return None
    names = bundle.preprocessing["targets"]
    past = np.stack(
        [each.window[: bundle.preprocessing["look_back"], : len(names)] for each in found[:_SHOWN]]
    )
    content = io.BytesIO()
    title = f"Forecast from {found[0].times[0]}"
    paths = None if paths is None else paths[:_SHOWN]
    fans(title, names, past=past, outputs=outputs[:_SHOWN], paths=paths).savefig(content, dpi=120)
    write_atomically(path, content.getvalue())
    return str(path)


def _anomalies(bundle: Bundle, stream: Stream, path: Path, options: Options) -> dict[str, Any]:
    """Read each series step by step, and compare each value with its forecast from the step before."""
    require_place("--out", options.out)
    names, look_back = bundle.preprocessing["targets"], bundle.preprocessing["look_back"]
    (name,), (output,) = stream.inputs, stream.outputs
    rows, judged, notes = [], 0, list[str]()
    for series in recent_series(bundle, path):
        stream.reset()
        notes = series.notes
        for row, step in enumerate(observed(bundle, series.table)[:-1]):
            outputs = stream(**{name: step[None, None]})[output]
            low, high = (end[0, 0] for end in interval_of(outputs, 0.99))
            values = series.table[row + 1, : len(names)]
            if row + 1 < look_back:
                continue
            judged += int((~np.isnan(values)).sum())
            for place in np.flatnonzero((values < low) | (values > high)):
                found = (values[place], low[place], high[place])
                rows.append(
                    [str(series.all_times[row + 1]), series.name, names[place], *map("{:.6g}".format, found)]
                )
    write_csv(options.out, [["time", "series", "target", "value", "low", "high"], *rows])
    first = [dict(zip(("time", "series", "target", "value"), row, strict=False)) for row in rows[:_SHOWN]]
    counts = {"judged": judged, "anomalies": len(rows)}
    return {"file": str(path), **counts, "first": first, "written": str(options.out), "notes": notes}


def describe(answer: dict[str, Any]) -> str:
    """Return one line: the first forecasts with their 80 % intervals, or the number of anomalies."""
    if "anomalies" in answer:
        first = ", ".join(f"{each['target']} {each['value']} at {each['time']}" for each in answer["first"])
        share = answer["anomalies"] / max(1, answer["judged"])
        counts = f"{answer['anomalies']:,} of {answer['judged']:,} values ({share:.1%})"
        line = f"{counts} outside their 99 % interval"
        return f"{line}{f', first: {first}' if first else ''}; all of them: {answer['written']}"
    parts = [_in_short(name, found) for name, found in list(answer["forecast"].items())[:_SHOWN]]
    line = "; ".join(parts)
    if "file" in answer:
        name = f"series {answer['series']}, " if answer["series"] else ""
        picture = f", picture: {answer['picture']}" if answer["picture"] else ""
        line = f"{name}from {answer['from']}: {line}; all steps: {answer['written']}{picture}"
    return line


def _in_short(name: str, found: dict[str, list[float]]) -> str:
    text = f"{name} {found['median'][0]:.4g}"
    if "low" in found:
        text += f" (80 %: {found['low'][0]:.4g} to {found['high'][0]:.4g})"
    return f"{text} ... {found['median'][-1]:.4g}"
