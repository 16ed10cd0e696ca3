"""The verb `sweep` of every app."""

from __future__ import annotations

import functools
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

import tyro

from ..app import App
from ..config import Config, require
from ..devices import import_tensorflow
from ..errors import UserError
from ..files import require_writable
from ..sweep.space import as_words, narrowed
from ..tracking.store import require_answer, store_uri
from ..training.naming import command as training_command
from ..training.own_process import call_in_own_process
from ..training.raw_data import check_data
from .command_line import log_to_standard_error
from .compiled_code import keep_compiled_code
from .train import COMPILED, EXPORTS, options, predict_command

if TYPE_CHECKING:
    from ..sweep.results import Swept

C = TypeVar("C", bound=Config)
_SHOWN = 8


@dataclass(frozen=True)
class Sweep(Generic[C]):
    """Search settings: many trainings on Optuna, each verified and measured; the best are kept."""

    config: tyro.conf.OmitArgPrefixes[C]
    preset: str = "default"
    """The settings to start from. The options below set single settings for all trials."""
    trials: int = 20
    """How many trials the study shall have. Those that are done count, also of other machines."""
    workers: int = 1
    """How many trials to train at a time on this machine."""
    space: Annotated[
        tuple[str, ...], tyro.conf.arg(metavar="NAME=LOW:HIGH|NAME=A,B", help_behavior_hint="")
    ] = ()
    """The settings to vary, within the app's bounds, such as units=32:128 cell=gru,lstm depth. Default: all
    that the app declares, except settings given as options."""
    objective: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = ()
    """What to look for: the app's first metric on validation, and the bytes and the latency of the smallest
    file. With several, all trials are kept that no other beats in every one. Default: the metric."""
    pruning: Literal["median", "hyperband", "none"] = "median"
    """What stops trials early that are worse on validation than others were; only if the metric is the one
    objective."""
    study: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = None
    """The name of the study. Default: one made of what is searched, so that the same command goes on."""
    storage: Annotated[str | None, tyro.conf.arg(metavar="URL", help_behavior_hint="")] = None
    """The database of the study, for several machines, such as postgresql://user@host/name. Default:
    a file in mlruns/sweeps."""
    output: Path = EXPORTS
    """The folder for bundles. Those of the best trials are kept in OUTPUT/APP/RUN_ID."""
    experiment: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = None
    """The experiment in MLflow. Default: that of MLFLOW_EXPERIMENT_NAME, else one with the app's name."""
    json: bool = False
    """Print one JSON object instead of the table."""

    def __post_init__(self) -> None:
        require(self.trials >= 1, "trials", "at least 1", self.trials)
        require(self.workers >= 1, "workers", "at least 1", self.workers)


def run(app: App, argv: list[str], prog: str) -> None:
    """Search with the options in `argv`, and print the results.

    Raises:
        UserError: an option is wrong, or a file, data set, study or database that it names can't be used.
    """
    varied = f"The app's bounds: {as_words(app.space)}."
    command = options(app, argv, prog, Sweep, about=varied)
    config, app = command.config, app.of(command.config)
    space = narrowed(app.space, command.space, _given(argv, config))
    if not space:
        raise UserError("--space: expected settings to vary, but all are given as options")
    require_writable("--output", command.output)
    require_answer(store_uri())
    from ..sweep.objectives import directions
    from ..sweep.run import sweep
    from ..sweep.sweep import Plan

    objectives = directions(app, command.objective)
    of_data = {"app_name": app.name, "config": config}
    data = call_in_own_process(check_data, of_data, prepare=log_to_standard_error)
    keep_compiled_code(COMPILED)
    metric_alone = list(objectives) == [next(iter(app.metrics))]
    plan = Plan(
        app=app,
        preset=command.preset,
        config=config,
        space=space,
        directions=objectives,
        trials=command.trials,
        output=command.output,
        storage=command.storage,
        pruning=command.pruning if metric_alone else "none",
        workers=command.workers,
        prepare=functools.partial(_prepare, command.workers),
    )
    swept = sweep(plan, data, study=command.study, experiment=command.experiment)
    if command.json:
        print(json.dumps(asdict(swept), indent=1))
    else:
        print("\n".join(_summary(app, command, prog, swept)))


def _given(argv: list[str], config: Config) -> dict[str, Any]:
    """Return the settings that were given as options, also if they are those of the preset."""
    words = {word[2:].partition("=")[0].replace("-", "_") for word in argv if word.startswith("--")}
    values = {field.name: getattr(config, field.name) for field in fields(config)}
    return {name: value for name, value in values.items() if {name, f"no_{name}"} & words}


def _prepare(workers: int) -> None:
    """Set up a process that trains: its share of the processors, and only what is not as usual is told."""
    share = max(1, (os.cpu_count() or 1) // workers)
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(share))
    log_to_standard_error()
    logging.getLogger(__package__.rpartition(".")[0]).setLevel(logging.WARNING)
    import_tensorflow()


def _summary(app: App, command: Sweep[Any], prog: str, swept: Swept) -> Iterator[str]:
    """Yield the lines that say what came of a sweep."""
    from .report import text_table

    yield ""
    if shown := swept.rows[:_SHOWN]:
        yield text_table(
            ["trial", *(f"{row['trial']}{' *' if row['best'] else ''}" for row in shown)],
            [*_lines(shown, swept.metric)],
        )
        best = "none is better in every objective" if len(swept.objectives) > 1 else "the best"
        yield f"* {best}: the bundle is kept; bytes, ms and test {swept.metric} are of its smallest file"
    if len(swept.rows) > _SHOWN:
        yield f"and {len(swept.rows) - _SHOWN} more, in the run's table of trials"
    yield f"trials  {', '.join(f'{count} {state}' for state, count in swept.ended.items())}"
    if swept.saved_epochs:
        yield f"pruning saved up to {swept.saved_epochs} epochs of training"
    yield f"study   {swept.study}"
    yield f"run     {swept.run_id}"
    if swept.best:
        yield from _next(app, command, prog, swept)


def _next(app: App, command: Sweep[Any], prog: str, swept: Swept) -> Iterator[str]:
    """Yield the best bundle and the commands to go on with."""
    assert swept.best is not None
    bundle = Path(swept.best["bundle"])
    here = bundle.is_dir()
    yield f"bundle  {bundle}{'' if here else ', on the machine that trained it'}"
    yield ""
    yield "next:"
    if here:
        yield f"  {predict_command(app, prog, bundle)}"
    yield f"  {training_command(app, command.preset, replace(command.config, **swept.best['settings']), 3)}"
    yield f"  {swept.page or 'make ui':<40} the run, its plots and its trials, in the browser"


def _lines(rows: Sequence[Mapping[str, Any]], metric: str) -> Iterator[list[str]]:
    """Yield the lines of a table that has a column for each trial: what was measured, and the settings."""
    yield [metric, *(f"{row[metric]:.4f}" for row in rows)]
    yield ["bytes", *(f"{row['bytes']:,}" for row in rows)]
    yield ["ms", *(f"{row['latency']:.2f}" for row in rows)]
    yield [f"test {metric}", *(f"{row['test']:.4f}" for row in rows)]
    for name in rows[0]["settings"]:
        values = [row["settings"][name] for row in rows]
        yield [name, *(f"{v:.3g}" if isinstance(v, float) else str(v) for v in values)]
