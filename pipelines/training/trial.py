"""What the training that is one trial of a sweep tells the sweep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

OnEpoch = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True)
class Trial:
    """A trial of a sweep, for its training."""

    name: str
    """What tells the trial from others, for the name of its run."""
    started: Callable[[str], None]
    """started(run_id): called when the run is open."""
    scored: Callable[[int, float], None]
    """scored(epoch, value): called after each epoch, from 1 on, with the first metric on validation. May
    raise `Pruned`."""

    def after(self, log_epoch: OnEpoch, metric: str) -> OnEpoch:
        """Return a function for each epoch that calls `log_epoch` and then `scored`."""

        def on_epoch(epoch: int, values: dict[str, float]) -> None:
            log_epoch(epoch, values)
            self.scored(epoch, values[f"validation.{metric}"])

        return on_epoch
