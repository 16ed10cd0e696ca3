"""Find data sets of TensorFlow Datasets (TFDS) by name, prepare them on disk, and read their splits."""

from __future__ import annotations

import contextlib
import difflib
import io
import logging
import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tqdm import tqdm

from ..devices import import_tensorflow
from ..errors import UserError
from ..ondevice.native_messages import held_back

log = logging.getLogger(__name__)

DATA_DIR = Path(".cache/tfds")
"""The default folder of prepared TFDS sets; --data-dir changes it."""
NETWORK_SECONDS = 5.0
"""The time to wait for an answer before reporting that there is no network."""
_HOSTS_ASKED = 4


def require_known(name: str, data_dir: Path | None, others: Iterable[str] = ()) -> None:
    """Check, without TensorFlow if the name is unknown, that there is a TFDS set called `name`.

    Args:
        name: the name, with its config and version if any.
        data_dir: where prepared sets are kept; None means the default folder.
        others: further names that the user may have meant.

    Raises:
        UserError: there is no such set, config or version.
    """
    _named_builder(name, data_dir or DATA_DIR, others)


def builder_of(name: str, data_dir: Path | None = None) -> Any:
    """Return the TFDS builder called `name` with its data on disk; downloads it if it is not in `data_dir`.

    Raises:
        UserError: the name is unknown, or the set can't be prepared.
    """
    folder = data_dir or DATA_DIR
    make_builder = _named_builder(name, folder)
    try:
        return prepare(make_builder, folder)
    except UserError:
        raise
    except Exception as error:  # a builder may raise any type; show the user its message
        raise UserError(f"--dataset {name}: can't be prepared in {folder}: {_first_line(error)}") from error


def prepare(make_builder: Callable[[], Any], folder: Path) -> Any:
    """Return a builder with its data on disk; downloads or generates the data if it is not in `folder`.

    Args:
        make_builder: returns a new TFDS builder that keeps its data in `folder`.
        folder: where the data is kept; messages name it.

    Raises:
        UserError: there is no network to download the data, or the folder can't be written to.
    """
    import tensorflow_datasets as tfds

    with held_back(), _no_warnings():
        builder = make_builder()
    import_tensorflow()
    with _no_warnings():
        if builder.is_prepared():
            return builder
    urls = list(builder.url_infos or {})
    if urls and not _any_host_answers(urls):
        raise UserError(
            f"{builder.info.full_name}: not in {folder.absolute()}, and there is no network to download it: "
            "name a different folder with --data-dir"
        )
    config = tfds.download.DownloadConfig(try_download_gcs=False)
    try:
        with _no_warnings(), _progress(builder.info.full_name, folder):
            builder.download_and_prepare(download_config=config)
    except OSError as error:
        builder = make_builder()
        if not builder.is_prepared():  # another process may have prepared it in the meantime
            raise UserError(
                f"{builder.info.full_name}: can't be prepared in {folder.absolute()}: {_first_line(error)}"
            ) from error
    return builder


@contextlib.contextmanager
def _no_warnings() -> Iterator[None]:
    """Keep the warnings of TFDS from the user: of folders that it has yet to fill, of its own old code.

    TFDS uses absl's logger.
    """
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextlib.contextmanager
def _progress(name: str, folder: Path) -> Iterator[None]:
    """Show the time that preparing a data set takes, instead of TFDS's bars, which overwrite each other."""
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    log.info("preparing %s in %s: once, it may take minutes", name, folder)
    started, done = time.monotonic(), threading.Event()
    with tqdm(bar_format=f"{name}: {{elapsed}}", leave=False, disable=None) as bar:

        def tick() -> None:
            while not done.wait(1):
                bar.refresh()

        clock = threading.Thread(target=tick, daemon=True)
        clock.start()
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        finally:
            done.set()
            clock.join()
    log.info("prepared %s in %.0f s", name, time.monotonic() - started)


def _named_builder(name: str, folder: Path, others: Iterable[str] = ()) -> Callable[[], Any]:
    import tensorflow_datasets as tfds

    def make_builder() -> Any:
        return tfds.builder(name, data_dir=str(folder.expanduser()), try_gcs=False)

    try:
        with held_back():
            make_builder()
    except tfds.core.registered.DatasetNotFoundError:
        known = {*others, *tfds.list_builders(with_community_datasets=False)}
        close = difflib.get_close_matches(name.partition("/")[0].partition(":")[0], known)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise UserError(f"--dataset {name}: no such file, and no TFDS set of that name{hint}") from None
    except Exception as error:  # TFDS raises several kinds for a wrong config or version
        raise UserError(f"--dataset {name}: {_first_line(error)}") from error
    return make_builder


def _any_host_answers(urls: Sequence[str]) -> bool:
    """Return within seconds whether there is a network; TFDS itself would retry for minutes."""
    hosts = {urlsplit(url).netloc: url for url in urls if urlsplit(url).netloc}
    some = list(hosts.values())[:_HOSTS_ASKED]
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
        return True  # an HTTP error shows that the network works
    except (OSError, ValueError):
        return False


def open_split(builder: Any, split: str, **options: Any) -> Any:
    """Return a split of a prepared builder as a tf.data.Dataset, always in the same order.

    `options` are further arguments of TFDS's `as_dataset`, such as `decoders`.
    """
    import tensorflow_datasets as tfds

    read_config = tfds.ReadConfig(try_autocache=False)
    with _no_warnings():
        return builder.as_dataset(split=split, shuffle_files=False, read_config=read_config, **options)


def files_of(builder: Any) -> list[Path]:
    """Return the files of a prepared builder, sorted."""
    return sorted(path for path in Path(builder.data_dir).iterdir() if path.is_file())


def choose_feature(source: str, features: Any, kind: type, *, what: str, wanted: str | None) -> str:
    """Return the name of the `wanted` feature, or of the only feature of a kind.

    Args:
        source: the name of the data set in messages.
        features: the features of a TFDS builder, by name.
        kind: the class of the feature, such as `tfds.features.Text`.
        what: the first part of the option that names the feature: "text" for --text-feature.
        wanted: the feature's name, or None.

    Raises:
        UserError: no feature of this kind has that name, or `wanted` is None and there isn't exactly one.
    """
    names = [name for name, feature in features.items() if isinstance(feature, kind)]
    if wanted in names:
        return str(wanted)
    if wanted is None and len(names) == 1:
        return names[0]
    listed = ", ".join(f"{name} ({type(feature).__name__})" for name, feature in features.items())
    raise UserError(
        f"{source}: expected --{what}-feature to name one {kind.__name__} feature, got {wanted}; "
        f"the set has {listed}"
    )


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def only_feature(source: str, features: Any, kind: type) -> str:
    """Return the name of the only feature of a kind; raise UserError if there is none, or several."""
    names = [name for name, feature in features.items() if isinstance(feature, kind)]
    if len(names) != 1:
        listed = ", ".join(f"{name} ({type(feature).__name__})" for name, feature in features.items())
        raise UserError(f"{source}: expected one {kind.__name__} feature, found {listed}")
    return names[0]
