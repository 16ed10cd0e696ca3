"""Labelled text from a TFDS set or from files: found, read, and cut into the splits that every app needs."""

from __future__ import annotations

import contextlib
import difflib
import queue
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from ..errors import UserError
from .examples import Data, Examples
from .splits import complete, select
from .text_files import SUFFIXES, read_splits

DATA_DIR = Path(".cache/tfds")
"""Where prepared TFDS sets are kept, unless the user says otherwise."""
NETWORK_SECONDS = 5.0


def is_path(dataset: str) -> bool:
    """Tell whether `dataset` means the user's files: it exists, or can't be a name like `glue/sst2`."""
    looks = dataset.startswith((".", "~", "/")) or dataset.count("/") > 1 or "\\" in dataset
    return looks or dataset.lower().endswith((*SUFFIXES, ".gz", ".train")) or Path(dataset).exists()


def text_from_files(
    path: Path, text_column: str = "text", label_column: str = "label", encoding: str = "utf-8", seed: int = 0
) -> Data:
    """Return the user's labelled text; the class names are the labels as written, sorted."""
    rows, notes = read_splits(path.expanduser(), text_column, label_column, encoding)
    labels = tuple(sorted({row.label for row in rows["train"]}))
    ids = {label: index for index, label in enumerate(labels)}
    splits = {
        name: Examples([row.text for row in split], np.array([ids[row.label] for row in split], np.int64))
        for name, split in rows.items()
    }
    return complete(splits, labels, path.name, notes, seed)


def text_from_tfds(
    name: str,
    data_dir: Path | None = None,
    text_feature: str | None = None,
    label_feature: str | None = None,
    seed: int = 0,
) -> Data:
    """Return a TFDS set with a text and a class label, downloaded where it is not in `data_dir` yet.

    Raises:
        UserError: one line, for an unknown name, a set that can't be had, or features to choose between.
    """
    return text_from_builder(builder_of(name, data_dir), text_feature, label_feature, seed=seed)


def text_from_builder(
    builder: Any,
    text_feature: str | None = None,
    label_feature: str | None = None,
    scored: Sequence[str] = (),
    seed: int = 0,
) -> Data:
    """Return the text of a prepared TFDS builder; `scored`: splits besides train, validation, test."""
    import tensorflow_datasets as tfds

    source = builder.info.full_name
    features = builder.info.features
    text = choose_feature(source, features, tfds.features.Text, "text", text_feature)
    label = choose_feature(source, features, tfds.features.ClassLabel, "label", label_feature)
    splits, notes = {}, []
    for name in ("train", "validation", "test", *scored):
        if name not in builder.info.splits:
            continue
        split, empty = _without_empty(_read_split(builder, name, text, label))
        if empty:
            notes.append(f"{source}: {empty:,} empty texts of {name} left out")
        if (split.targets >= 0).all():
            splits[name] = split
        else:
            notes.append(f"{source}: {name} is not used, its labels are hidden (-1)")
    return complete(splits, tuple(features[label].names), source, notes, seed)


def builder_of(name: str, data_dir: Path | None = None) -> Any:
    """Return the TFDS builder of that name with its data on disk, downloaded where it is not in `data_dir`.

    Raises:
        UserError: one line, for an unknown name or a set that can't be had.
    """
    folder = data_dir or DATA_DIR
    make_builder = _named_builder(name, folder)
    try:
        return prepare(make_builder, folder)
    except UserError:
        raise
    except Exception as error:  # a builder may raise anything; what it says goes to the user
        raise UserError(f"--dataset {name}: can't be prepared in {folder}: {_first_line(error)}") from error


def prepare(make_builder: Callable[[], Any], folder: Path) -> Any:
    """Return the builder with its data on disk: found in `folder`, else downloaded or generated into it."""
    import tensorflow_datasets as tfds

    builder = make_builder()
    if builder.is_prepared():
        return builder
    urls = list(builder.url_infos or {})
    if urls and not _any_host_answers(urls):
        raise UserError(
            f"{builder.info.full_name}: not in {folder.absolute()}, and there is no network to download it: "
            "name another folder with --data-dir"
        )
    config = tfds.download.DownloadConfig(try_download_gcs=False)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            builder.download_and_prepare(download_config=config)
    except OSError as error:
        builder = make_builder()
        if not builder.is_prepared():  # else another process was quicker
            raise UserError(
                f"{builder.info.full_name}: can't be prepared in {folder.absolute()}: {_first_line(error)}"
            ) from error
    return builder


def _named_builder(name: str, folder: Path) -> Callable[[], Any]:
    import tensorflow_datasets as tfds

    def make_builder() -> Any:
        return tfds.builder(name, data_dir=str(folder.expanduser()), try_gcs=False)

    try:
        make_builder()
    except tfds.core.registered.DatasetNotFoundError:
        known = set(tfds.list_builders(with_community_datasets=False))
        close = difflib.get_close_matches(name.partition("/")[0].partition(":")[0], known)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise UserError(f"--dataset {name}: no such file, and no TFDS set of that name{hint}") from None
    except Exception as error:  # a wrong config or version: TFDS raises several kinds
        raise UserError(f"--dataset {name}: {_first_line(error)}") from error
    return make_builder


def _any_host_answers(urls: Sequence[str]) -> bool:
    """Tell within seconds whether there is network: TFDS would try again for minutes."""
    hosts = {urlsplit(url).netloc: url for url in urls if urlsplit(url).netloc}
    some = list(hosts.values())[:4]
    answers: queue.SimpleQueue[bool] = queue.SimpleQueue()
    for url in some:
        threading.Thread(target=lambda url=url: answers.put(_answers(url)), daemon=True).start()
    with contextlib.suppress(queue.Empty):
        return any(answers.get(timeout=NETWORK_SECONDS) for _ in some)
    return False


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=NETWORK_SECONDS):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return True  # a refusal is an answer too
    except (OSError, ValueError):
        return False


def choose_feature(source: str, features: Any, kind: type, what: str, wanted: str | None) -> str:
    """Return the name of the feature of a kind that is meant: the wanted one, or the only one.

    Raises:
        UserError: there is none, or several and none was named.
    """
    names = [name for name, feature in features.items() if isinstance(feature, kind)]
    if wanted in names:
        return str(wanted)
    if wanted is None and len(names) == 1:
        return names[0]
    listed = ", ".join(f"{name} ({type(feature).__name__})" for name, feature in features.items())
    raise UserError(
        f"{source}: expected --{what}-feature to name one {kind.__name__} feature, got {wanted}: "
        f"it has {listed}"
    )


def _read_split(builder: Any, split: str, text: str, label: str) -> Examples:
    import tensorflow_datasets as tfds

    dataset = builder.as_dataset(
        split=split, shuffle_files=False, read_config=tfds.ReadConfig(try_autocache=False)
    )
    pairs = dataset.map(lambda example: (example[text], example[label])).batch(1024)
    texts: list[str] = []
    targets: list[int] = []
    for some_texts, some_targets in tfds.as_numpy(pairs):
        texts += [value.decode("utf-8", errors="replace") for value in some_texts]
        targets += some_targets.tolist()
    return Examples(texts, np.array(targets, np.int64))


def _without_empty(examples: Examples) -> tuple[Examples, int]:
    kept = select(examples, [bool(text.strip()) for text in examples.inputs])
    return kept, len(examples) - len(kept)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
