"""Log each epoch: its metrics, the time left, and a sample of the network's output so far."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..tracking.run import Run
from .duration import rounded

log = logging.getLogger(__name__)

_DIAGNOSTICS = "diagnostics."


def log_diagnostics(run: Run, history: Sequence[Mapping[str, float]]) -> None:
    """Log the diagnostics of all epochs.

    MLflow lists metrics in the order in which they came, and there are many: figures that matter more must be
    there before.
    """
    run.curves([{k: v for k, v in values.items() if k.startswith(_DIAGNOSTICS)} for values in history])


@dataclass(frozen=True)
class SeedNumber:
    """The seed of a training run: number `number` of `count`, counted from 1."""

    number: int = 1
    count: int = 1


class EpochLog:
    """Logs the metrics of each epoch to the run and on standard error.

    Args:
        run: the open run.
        epochs: the largest number of epochs.
        seed: which seed this is.
        sample: None, or `sample(epoch=epoch, folder=folder)`, which writes files for the run to the folder.
    """

    def __init__(
        self,
        run: Run,
        epochs: int,
        *,
        seed: SeedNumber = SeedNumber(),
        sample: Callable[..., None] | None = None,
    ) -> None:
        self._run = run
        self._epochs = epochs
        self._seed = seed
        self._sample = sample
        self._started = time.monotonic()
        self._logged = 0

    def __call__(self, epoch: int, values: dict[str, float]) -> None:
        """Log the metrics of an epoch, counted from 1, except diagnostics."""
        shown = {name: value for name, value in values.items() if not name.startswith(_DIAGNOSTICS)}
        self._run.metrics(shown, step=epoch)
        self._logged += 1
        text = f"epoch {epoch}: " + ", ".join(f"{name} {value:.4g}" for name, value in shown.items())
        if self._seed.count > 1:
            text = f"seed {self._seed.number} of {self._seed.count}, {text}"
        log.info("%s%s", text, self._time_left(epoch))
        if self._sample:
            with tempfile.TemporaryDirectory() as folder:
                self._sample(epoch=epoch, folder=Path(folder))
                self._run.folder(Path(folder), f"samples/epoch_{epoch:03}")

    def _time_left(self, epoch: int) -> str:
        """Return the time left if no seed stops early; "" after the last epoch."""
        minutes = (time.monotonic() - self._started) / self._logged / 60
        left = self._epochs - epoch + (self._seed.count - self._seed.number) * self._epochs
        return f"; up to {rounded(left * minutes)} of training left" if left else ""
