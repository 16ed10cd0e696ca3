"""Choose the source of an app's data: `--dataset` names an embedded set, a TFDS set or a path."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..config import Config, PretrainedConfig
from ..errors import UserError
from . import caption_files, frames, music_files, stroke_files, text_files, tmx_files
from .examples import Data, Origin
from .record_files import is_record_folder
from .splits import with_pretraining
from .tfds_sets import DATA_DIR, builder_of, prepare, require_known

_SUFFIXES = (
    *text_files.SUFFIXES,
    *(".gz", ".train"),
    *frames.SUFFIXES,
    *caption_files.SUFFIXES,
    *music_files.MIDI,
    *music_files.ABC,
    *music_files.WITH_SPLITS,
    *tmx_files.TMX,
    *stroke_files.SUFFIXES,
)


@dataclass(frozen=True)
class Readers:
    """An app's functions to read each kind of source. If a source fails, no other one is used instead.

    "Builder" means a TFDS builder whose data is on disk.
    """

    embedded: Mapping[str, Callable[..., Any]]
    """Embedded data sets by their name in `--dataset`: make(data_dir=folder) -> TFDS builder."""
    from_builder: Callable[[Any], Data]
    """from_builder(builder) -> data of a TFDS set that the user names."""
    from_files: Callable[[Path], Data]
    """from_files(path) -> data of the user's own files; `~` is expanded already."""
    from_embedded: Callable[[Any], Data] | None = None
    """from_embedded(builder) -> data of an embedded set. Default: `from_builder`."""
    from_records: Callable[[Path], Data] | None = None
    """from_records(path) -> data of a folder of TFRecord files; None if the app reads none."""
    embedded_files: Mapping[str, Callable[[], Path]] = field(default_factory=dict)
    """Embedded data sets that are files as the user's own are, by their name: find() -> path."""


def load(config: Config, readers: Readers) -> Data:
    """Load the data set `config.dataset`, and add `config.pretraining_dataset` if it is set.

    Mistakes that can be told quickly are told first: names are checked before any data set is read, and
    files are read before a TFDS set, which needs TensorFlow.

    Raises:
        UserError: a path or a data set does not exist, can't be prepared, or isn't of a kind that the app
            reads.
    """
    extra = config.pretraining_dataset if isinstance(config, PretrainedConfig) else None
    wanted = [config.dataset] if extra is None else [config.dataset, extra]
    embedded = {**readers.embedded, **readers.embedded_files}
    for dataset in wanted:
        if dataset not in embedded:
            _require_there(dataset, config, embedded)
    found = {dataset: _read(dataset, config, readers) for dataset in sorted(wanted, key=_comes_later)}
    return found[config.dataset] if extra is None else with_pretraining(found[config.dataset], found[extra])


def _require_there(dataset: str, config: Config, embedded: Mapping[str, Any]) -> None:
    """Refuse a path at which nothing is, and a name that nobody knows."""
    if not is_path(dataset):
        require_known(dataset, config.data_dir, embedded)
    elif not _path_of(dataset).exists():
        raise UserError(f"--dataset {dataset}: no such file or folder")


def _path_of(dataset: str) -> Path:
    return Path(os.path.expanduser(dataset))  # noqa: PTH111 (Path's own method fails for an unknown user)


def _comes_later(dataset: str) -> bool:
    return not is_path(dataset)


def _read(dataset: str, config: Config, readers: Readers) -> Data:
    if dataset in readers.embedded_files:
        return readers.from_files(readers.embedded_files[dataset]())
    if dataset in readers.embedded:
        folder = config.data_dir or DATA_DIR
        make = readers.embedded[dataset]
        builder = prepare(lambda: make(data_dir=str(folder.expanduser())), folder)
        return _with_origin((readers.from_embedded or readers.from_builder)(builder), builder)
    if is_path(dataset):
        path = _path_of(dataset)
        if not is_record_folder(path):
            return readers.from_files(path)
        if readers.from_records is None:
            raise UserError(
                f"--dataset {dataset}: expected files of a kind that the app reads, found TFRecord files"
            )
        return readers.from_records(path)
    builder = builder_of(dataset, config.data_dir)
    return _with_origin(readers.from_builder(builder), builder)


def _with_origin(data: Data, builder: Any) -> Data:
    """Add what a data set of TFDS says of itself: its name, description and licence."""
    info = builder.info
    licence = info.redistribution_info.license or ""
    origin = Origin(data.source, " ".join((info.description or "").split()), " ".join(licence.split()))
    return dataclasses.replace(data, origins=(origin,))


def is_path(dataset: str) -> bool:
    """Return whether `dataset` is a path: it exists, or it can't be a TFDS name such as `glue/sst2`."""
    looks = dataset.startswith((".", "~", "/")) or dataset.count("/") > 1 or "\\" in dataset
    looks |= dataset.endswith("/") or ("/" not in dataset and "." in dataset.partition(":")[0])
    return looks or dataset.lower().endswith(_SUFFIXES) or Path(dataset).exists()
