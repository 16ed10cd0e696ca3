"""Measure how far the outputs of a file are from those of the Keras model, and check the tolerances."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from ...errors import ExportError
from ...ondevice.manifest import ACTIVATION_BITS
from .reference import Arrays, Reference
from .tolerances import OUTLIER_FACTOR, TOLERANCES, Tolerance

_RESOLUTION = 64 * float(np.finfo(np.float32).eps)  # of float32 sums over some hundred terms
_COSTLY = 0.05  # a decision is lost if Keras gives the file's class so much less probability than its own


@dataclass(frozen=True)
class OutputError:
    """The error of one output. For integer outputs it is the share of examples that differ from Keras."""

    largest: float
    mean: float
    relative: float
    """The root mean square error as a share of the output's standard deviation. For probabilities of classes:
    the share of decisions that are lost. For integers: the share of examples that differ."""
    share_of_range: float
    """The largest error as a share of the range of the output."""
    problem: str | None = None
    """One line that says why the error is too large; None if it is allowed."""


@dataclass(frozen=True)
class Bounds:
    """The errors that a variant may have."""

    tolerance: Tolerance
    has_task: bool
    share_of_range: float | None = None
    """The user's bound, which replaces those of the table; only without a task."""
    sigmoids: Collection[str] = ()
    """The outputs that are probabilities of yes, each by itself."""
    integers: bool = False
    """Whether activations are integers, which have no infinity and no NaN: where Keras answers so, a file may
    answer anything."""

    @classmethod
    def of(cls, precision: str, reference: Reference, share_of_range: float | None = None) -> Bounds:
        """Return the bounds of a precision."""
        has_task, integers = reference.task is not None, precision in ACTIVATION_BITS
        return cls(TOLERANCES[precision], has_task, share_of_range, reference.sigmoids, integers)

    @property
    def of_each(self) -> bool:
        """Whether each output has a bound, and not the error of all of them."""
        return self.has_task or self.share_of_range is not None

    def largest_error(self, expected: np.ndarray) -> float:
        """Return the largest allowed error of an output of real numbers, if each has a bound."""
        if self.share_of_range is not None:
            return self.share_of_range * float(np.ptp(expected))
        # What isn't a probability may range over more than 1, and its error with it.
        return self.tolerance.max_abs_error * max(1.0, float(np.ptp(expected)))

    def different_answers(self, count: int) -> float:
        """Return the share of `count` examples in which an integer output may differ."""
        tolerance = self.tolerance
        share = tolerance.different_answers if self.has_task else tolerance.lost_decisions
        return _share_of(count, share if self.share_of_range is None else self.share_of_range)


def compare(outputs: Arrays, expected: Arrays, bounds: Bounds) -> dict[str, OutputError]:
    """Return the error of each output (N, ...), by name.

    Raises:
        ExportError: an output's shape differs from that in Keras.
    """
    return {name: _compared(name, outputs[name], wanted, bounds) for name, wanted in expected.items()}


def problems(errors: dict[str, OutputError]) -> list[str]:
    """Return one line for each output whose error is too large."""
    return [error.problem for error in errors.values() if error.problem]


def max_abs_error(outputs: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest absolute error; for integer outputs, the share of examples that differ.

    Where Keras answers an infinity or NaN, the same answer has no error, and any other an error of NaN.

    Raises:
        ValueError: the shapes differ.
    """
    _check_shape(outputs, expected)
    return _different(outputs, expected) if _are_whole(outputs) else float(_errors(outputs, expected).max())


def _check_shape(outputs: np.ndarray, expected: np.ndarray) -> None:
    if outputs.shape != expected.shape:
        raise ValueError(f"expected shape {expected.shape} as in Keras, got {outputs.shape}")


def _different(outputs: np.ndarray, expected: np.ndarray) -> float:
    return float((outputs != expected).reshape(len(outputs), -1).any(axis=1).mean())


def _compared(name: str, outputs: np.ndarray, expected: np.ndarray, bounds: Bounds) -> OutputError:
    try:
        _check_shape(outputs, expected)
    except ValueError as error:
        raise ExportError(f"output {name!r}: {error}") from None
    if _are_whole(outputs):
        largest = _different(outputs, expected)
        allowed = bounds.different_answers(len(outputs))
        problem = (
            f"output {name!r} differs from Keras in {largest:.3g} of the examples, "
            f"at most {allowed:.3g} is allowed"
        )
        return OutputError(largest, largest, largest, largest, None if largest <= allowed else problem)
    if bounds.integers:
        outputs = np.where(np.isfinite(expected), outputs, expected)
    errors, finite = _errors(outputs, expected), expected[np.isfinite(expected)]
    largest = float(errors.max())
    classes = _as_classes(outputs, expected, name in bounds.sigmoids)
    if bounds.of_each:
        found = _problem_of_each(name, errors, finite, bounds)
    elif classes is not None:
        found = next(_problems_of_classes(name, *classes, bounds.tolerance), None)
    else:
        found = next(_problems_of_numbers(name, errors, finite, bounds.tolerance), None)
    if found and errors.ndim > 2:
        by_step = errors.max(axis=(0, *range(2, errors.ndim)))
        found += f"; the largest error is at step {int(np.argmax(by_step))} of {len(by_step)}"
    relative = _rms(errors) / _spread(finite) if classes is None else _lost(*classes)
    return OutputError(largest, float(errors.mean()), relative, largest / _range(finite), found)


def _as_classes(
    outputs: np.ndarray, expected: np.ndarray, sigmoid: bool
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return both as probabilities (..., classes), if they are such; a sigmoid has the classes no and yes."""
    if sigmoid:
        no_and_yes = [np.stack([1 - each, each], axis=-1) for each in (outputs, expected)]
        return no_and_yes[0], no_and_yes[1]
    if expected.ndim < 2 or expected.shape[-1] < 2 or not (expected >= 0).all():
        return None
    return (outputs, expected) if (np.abs(expected.sum(axis=-1) - 1) < 1e-3).all() else None


def _problem_of_each(name: str, errors: np.ndarray, finite: np.ndarray, bounds: Bounds) -> str | None:
    """Return a line if an output is further off than allowed; some may be if there is a task."""
    outliers = bounds.tolerance.outliers if bounds.has_task else 0.0
    bounded, allowed = float(np.quantile(errors, 1 - outliers, method="higher")), bounds.largest_error(finite)
    # Not `bounded > allowed`: an error of NaN is also a problem.
    return None if bounded <= allowed else _differs(name, f"{bounded:.3g}", allowed)


def _problems_of_numbers(
    name: str, errors: np.ndarray, finite: np.ndarray, tolerance: Tolerance
) -> Iterator[str]:
    """Yield a line if all errors together are too large, and one if too many are."""
    rms, allowed = _rms(errors), tolerance.share_of_spread * _spread(finite)
    if not rms <= allowed:
        yield _differs(name, f"{rms:.3g} (root mean square)", allowed)
    share = float((errors > OUTLIER_FACTOR * allowed).mean())
    if share > tolerance.outliers_of_spread:
        yield (
            f"{share:.2%} of output {name!r} differs from Keras by more than {OUTLIER_FACTOR * allowed:.3g}, "
            f"at most {tolerance.outliers_of_spread:.2%} is allowed"
        )


def _problems_of_classes(
    name: str, outputs: np.ndarray, expected: np.ndarray, tolerance: Tolerance
) -> Iterator[str]:
    """Yield a line if too many decisions are lost, and one if the probabilities differ too much.

    Answers of one-hot vectors have decisions only.
    """
    lost, allowed = _lost(outputs, expected), tolerance.lost_decisions
    if not lost <= _share_of(expected[..., 0].size, allowed):
        yield (
            f"output {name!r} decides otherwise than Keras in {lost:.3g} of the cases, "
            f"at most {allowed:.3g} is allowed"
        )
    divergence = 0.0 if np.isin(expected, (0, 1)).all() else _divergence(outputs, expected)
    if not divergence <= tolerance.divergence:
        yield _differs(name, f"{divergence:.3g} nats", tolerance.divergence)


def _differs(name: str, by: str, allowed: float) -> str:
    return f"output {name!r} differs from Keras by {by}, at most {allowed:.3g} is allowed"


def _errors(outputs: np.ndarray, expected: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        errors = np.abs(outputs.astype(np.float64) - expected)
    same = (outputs == expected) | (np.isnan(outputs) & np.isnan(expected))
    return np.where(np.isfinite(expected), errors, np.where(same, 0.0, np.nan))


def _lost(outputs: np.ndarray, expected: np.ndarray) -> float:
    """Return the share of decisions that cost more than `_COSTLY`, by the probabilities of Keras."""
    chosen = np.take_along_axis(expected, outputs.argmax(axis=-1)[..., None], axis=-1)[..., 0]
    return float((expected.max(axis=-1) - chosen > _COSTLY).mean())


def _divergence(outputs: np.ndarray, expected: np.ndarray) -> float:
    """Return the mean Kullback-Leibler divergence of the outputs, in nats: NaN if an output is no number."""
    least = np.finfo(np.float32).eps  # an integer file may give a probability of 0
    wanted, given = (np.maximum(each.astype(np.float64), least) for each in (expected, outputs))
    given = given / given.sum(axis=-1, keepdims=True)
    wanted = wanted / wanted.sum(axis=-1, keepdims=True)
    return float((wanted * np.log(wanted / given)).sum(axis=-1).mean())


def _rms(errors: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(errors))))


def _spread(finite: np.ndarray) -> float:
    """Return the standard deviation, but not less than float32 can tell apart."""
    return max(float(np.std(finite)), _floor(finite)) if finite.size else _RESOLUTION


def _range(finite: np.ndarray) -> float:
    return max(float(np.ptp(finite)), _floor(finite)) if finite.size else _RESOLUTION


def _floor(finite: np.ndarray) -> float:
    return _RESOLUTION * max(float(np.abs(finite).max()), float(np.finfo(np.float32).tiny))


def _share_of(count: int, share: float) -> float:
    """Return the share of `count` that may differ: where any may, one more proves nothing."""
    return max(share, 1.5 / count) if share else 0.0


def _are_whole(outputs: np.ndarray) -> bool:
    return outputs.dtype.kind in "iub"
