"""The verb `train` of every app."""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

import tyro

from ..app import App, folder_of
from ..config import Config, from_dict, require
from ..devices import import_tensorflow
from ..errors import UserError
from ..files import require_writable
from ..tracking.store import require_answer, store_uri
from ..training.checkpoint import Checkpoint
from ..training.duration import expected_minutes, machine_speed, rounded
from ..training.own_process import call_in_own_process
from ..training.raw_data import check_data, load_data
from ..training.recorded import read_records
from .command_line import log_to_standard_error, parse
from .compiled_code import keep_compiled_code
from .together import lead, places_for, require_alone, work

if TYPE_CHECKING:
    from ..cluster.place import Place
    from ..training.record import Result

EXPORTS = Path("exports")
COMPILED = Path(".cache", "xla")
"""The folder for code that XLA compiled."""
_CHANGEABLE = {"epochs", "learning-rate", "patience", "seed"}
_OF_FINE_TUNING = _CHANGEABLE | {"quantize-aware", "output", "json", "record", "register", "experiment"}
C = TypeVar("C", bound=Config)


@dataclass(frozen=True)
class Train(Generic[C]):
    """Train on the data, log to MLflow, export to TFLite, verify every file."""

    config: tyro.conf.OmitArgPrefixes[C]
    preset: str = "default"
    """The settings to start from. The options below change single settings."""
    output: Path = EXPORTS
    """The folder for bundles. The bundle is written to OUTPUT/APP/RUN_ID."""
    resume: Annotated[str | None, tyro.conf.arg(metavar="RUN_ID", help_behavior_hint="")] = None
    """The id of a stopped run to continue, with the settings of that run."""
    seeds: int = 1
    """Train with this many seeds: SEED, SEED + 1, ... The seed that is best on validation is exported."""
    workers: int = 1
    """Processes on this machine that train one network together, each with its rows of every batch. On
    several machines set TF_CONFIG instead, as cluster schedulers do. --batch-size is that of all together:
    the result is that of one process, except for the random numbers of dropout."""
    record: bool = False
    """Write the metrics to apps/APP/results.json and update the README's table."""
    register: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = None
    """A registered model in MLflow. It gets a new version with the variants' figures as tags."""
    experiment: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = None
    """The experiment in MLflow. Default: that of MLFLOW_EXPERIMENT_NAME, else one with the app's name."""
    json: bool = False
    """Print one JSON object instead of the tables."""


def run(app: App, argv: list[str], prog: str) -> None:
    """Train with the options in `argv`, and print the results.

    Raises:
        UserError: an option is wrong, or a file or data set that it names can't be used.
    """
    command = options(app, argv, prog)
    preset, config = command.preset, command.config
    here = places_for(command.workers)
    if here and not here[0].is_chief:
        require(command.seeds == 1, "seeds", "1 with several workers", command.seeds)
        keep_compiled_code(COMPILED)
        work(app, config, command.resume, here[0])
        return
    if command.resume:
        checkpoint = Checkpoint.of_run(command.resume)
        stored = checkpoint.settings()
        checkpoint.require_stopped()
        preset, config = stored["preset"], from_dict(type(config), stored["config"])
        command = dataclasses.replace(command, seeds=stored.get("seeds", 1))
    require(command.seeds >= 1, "seeds", "at least 1", command.seeds)
    require(command.seeds == 1 or not here, "seeds", "1 with several workers", command.seeds)
    alone = not here or config.quantize_aware is None  # the workers would not round
    require(alone, "workers", "1 for a run that --quantize-aware fine-tunes", here[0].workers if here else 1)
    require_writable("--output", command.output)
    require_answer(store_uri())
    keep_compiled_code(COMPILED)
    from . import report

    result = _run_training(app, preset, config, command, here=here)
    if command.record:
        report.keep_record(app.name, result.record)
    if command.json:
        print(json.dumps(result.record, indent=1))
    else:
        print(report.summary(result, predict_command(app, prog, result.bundle)))


def predict_command(app: App, prog: str, bundle: Path) -> str:
    """Return an example of the command that uses the bundle, as text for the user."""
    usual = bundle.parent == EXPORTS / app.name
    options = [] if usual else ["--bundle", str(bundle)]
    command = shlex.join([*prog.split()[:-1], "predict", *options, *app.example])
    needs_input = bool(app.example) and not app.example[0].startswith("-")  # `make` would ask for it
    made = usual and not prog.startswith("unrolled ") and not needs_input
    return f"{command}     (or make predict-{app.name.replace('_', '-')})" if made else command


def options(app: App, argv: list[str], prog: str, kind: Any = Train, *, about: str = "") -> Any:
    """Parse the options of a verb that trains; the preset gives the default values of the others.

    Args:
        app: the app to train.
        argv: the options as typed by the user.
        prog: the name of the program in the help.
        kind: the generic dataclass of the verb's options.
        about: what the help says besides.

    Raises:
        UserError: an option is unknown or its value is wrong.
    """
    if kind is not Train:
        require_alone(prog.split()[-1])
    given = {word[2:].split("=")[0] for word in argv if word.startswith("--")}
    if "resume" in given and given - {"resume", "workers", "output", "json", "record", "register"}:
        raise UserError("--resume takes every setting from the run: expected no option that changes one")
    if "quantize-aware" in given:
        require_alone("--quantize-aware")
        preset, config = _fine_tuning(app, argv, given, kind)
        return parse(kind[type(config)], prog, argv, kind(config, preset))
    preset = _preset(argv)
    if preset not in app.presets:
        raise UserError(f"--preset: expected one of {', '.join(app.presets)}, got {preset!r}")
    config = app.presets[preset]
    asks = {"-h", "--help"} & set(argv)
    description = f"{_description(app, kind)} {about}" if asks else None
    return parse(kind[type(config)], prog, argv, kind(config, preset), description=description)


def _description(app: App, kind: Any) -> str:
    """Return what the verb does, and how long each preset trains on this machine."""
    records, speed = read_records(folder_of(app.name)), machine_speed()
    times = {name: expected_minutes(record, speed=speed) for name, record in records.items()}
    known = [f"{name} {rounded(minutes)}" for name, minutes in times.items() if name in app.presets]
    presets = f"On this machine the presets train for about: {', '.join(known)}; smoke trains an epoch."
    return f"{kind.__doc__} {presets}"


def _preset(argv: list[str]) -> str:
    return _early(argv, "preset") or "default"


def _early(argv: list[str], name: str) -> str | None:
    """Return the value of an option, before the other options are parsed."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument(f"--{name}", dest="value")
    return parser.parse_known_args([word for word in argv if word not in ("-h", "--help")])[0].value


def _fine_tuning(app: App, argv: list[str], given: set[str], kind: Any) -> tuple[str, Config]:
    """Return the preset and the settings that fine-tune the run that --quantize-aware names.

    Raises:
        UserError: another option changes what belongs to the run; or the run can't be fine-tuned.
    """
    if kind is not Train:
        raise UserError("--quantize-aware: expected the verb train: one run is fine-tuned")
    if others := given - _OF_FINE_TUNING:
        raise UserError(
            f"--quantize-aware takes every setting from the run except {', '.join(sorted(_CHANGEABLE))}: "
            f"expected no --{min(others)}"
        )
    from ..training.quantize_aware import fine_tuning

    return fine_tuning(app, _early(argv, "quantize-aware") or "")


def _run_training(
    app: App, preset: str, config: Config, command: Train[Any], *, here: Sequence[Place]
) -> Result:
    """Load the data, and only then import what trains a network: a mistake in the data is told at once."""
    arguments: dict[str, Any] = {
        "preset": preset,
        "config": config,
        "output": command.output,
        "resume": command.resume,
        "register": command.register,
        "experiment": command.experiment,
    }
    if command.seeds > 1:
        if not command.resume:
            of_data = {"app_name": app.name, "config": config}
            call_in_own_process(check_data, of_data, prepare=log_to_standard_error)
        from ..training.seeds import train_seeds

        return train_seeds(app, **arguments, seeds=command.seeds, prepare=prepare_training)
    if here:
        return lead(app, config, command.resume, here=here, train=partial(_train, app, **arguments))
    data = load_data(app, config, command.resume)
    prepare_training()
    return _train(app, **arguments, data=data)


def _train(app: App, **arguments: Any) -> Result:
    from ..training.experiment import train

    return train(app, **arguments)


def prepare_training() -> None:
    """Set up logging and import TensorFlow; called first in every process that trains."""
    log_to_standard_error()
    import_tensorflow()
