"""A generated ECG: the dynamical model of McSharry, Clifford, Tarassenko and Smith (2003).

Ectopic beats are added to it.

On the model's limit cycle the phase moves from -pi to pi in every beat, and the voltage z follows

    dz/dt = - w(t) sum_i a_i d_i exp(-d_i^2 / (2 b_i^2)) - (z - z0(t))        d_i = phase - theta_i

with one Gaussian for each of P, Q, R, S and T. z0 is baseline wander, and w the speed of the phase.
"""

from __future__ import annotations

import numpy as np
import tensorflow_datasets as tfds

from pipelines.data.recording_sets import RecordingSet
from pipelines.data.recordings import Recording, Span
from pipelines.data.sound import coloured_noise

_RATE, _INNER = 120, 480  # samples a second: of the recordings, and of the integration
_THETA = np.array([-np.pi / 3, -np.pi / 12, 0, np.pi / 12, np.pi / 2])
_A = np.array([1.2, -5.0, 30.0, -7.5, 0.75])
_B = np.array([0.25, 0.1, 0.1, 0.1, 0.4])
_P, _T = 0, 4
_BLOCKED = 0.3  # the share of people whose normal beats are wide, too, as in a bundle branch block
_MILLIVOLTS = 3.5  # a factor that makes R about 1 mV
_PEOPLE = {"whole": (48, 240.0), "small": (6, 60.0)}  # number, and seconds of each


class Heartbeats(RecordingSet):
    """One lead of generated people, 120 Hz. Each beat is an event: normal (N), early and narrow (S) or
    ventricular (V)."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012 - TFDS wants this attribute as it is
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in ("whole", "small")]  # noqa: RUF012

    def about(self) -> tuple[str, str]:
        """Return the description and the licence."""
        text = (
            "A generated ECG (McSharry et al., A dynamical model for generating synthetic electrocardiogram "
            "signals, 2003) with variable rate, baseline wander, noise and ectopic beats."
        )
        return text, "Apache-2.0"

    def recordings(self, name: str) -> list[Recording]:
        """Return a recording of each person; people differ in shape, rate, noise and ectopic beats."""
        people, seconds = _PEOPLE[name]
        homes = ["train", "train", "train", "train", "validation", "test"]
        return [
            person(number, seconds, homes[number % len(homes)], np.random.default_rng([2003, number]))
            for number in range(people)
        ]


def person(number: int, seconds: float, split: str, rng: np.random.Generator) -> Recording:
    """Return the recording of a random person."""
    times, kinds = beats(seconds, rng)
    signal = voltage(times, kinds, seconds, rng)[:: _INNER // _RATE]
    noise = coloured_noise(len(signal), slope=rng.uniform(-1, 0), rate=_RATE, rng=rng)
    signal = signal + rng.uniform(0.01, 0.06) * noise
    spans = tuple(
        Span(float(at), float(at), kind) for at, kind in zip(times, kinds, strict=True) if at < seconds
    )
    name = f"person_{number:02}"
    return Recording(name, signal[:, None].astype(np.float32), _RATE, ("ecg [mV]",), spans, name, split)


def beats(seconds: float, rng: np.random.Generator) -> tuple[np.ndarray, list[str]]:
    """Return the times of the R peaks and the kinds of the beats: N, S or V."""
    mean, breathing = 60 / rng.uniform(50, 100), rng.uniform(0.2, 0.35)
    early = {"S": rng.uniform(0.0, 0.08), "V": rng.uniform(0.02, 0.12)}
    times, kinds = [rng.uniform(0, mean)], ["N"]
    pause = 0.0
    while times[-1] < seconds + 2:
        at = times[-1]
        slow, fast = np.sin(2 * np.pi * 0.1 * at), np.sin(2 * np.pi * breathing * at)
        interval = mean * (1 + 0.03 * slow + 0.03 * fast + 0.01 * rng.standard_normal())
        draw = rng.random()
        kind = "N" if kinds[-1] != "N" or draw > sum(early.values()) else "V" if draw < early["V"] else "S"
        short = interval * (rng.uniform(0.55, 0.8) if kind != "N" else 1.0)
        times.append(at + short + pause)
        pause = interval - short if kind == "V" else 0.0  # compensatory
        kinds.append(kind)
    return np.array(times), kinds


def voltage(times: np.ndarray, kinds: list[str], seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Return the ECG in millivolts at 480 samples a second, without noise."""
    from scipy.signal import lfilter

    clock = np.arange(round(seconds * _INNER)) / _INNER
    turns = np.interp(clock, np.append(times[0] - 1, times), np.arange(-1, len(times)))
    beat = np.clip(np.round(turns).astype(int), 0, len(times) - 1)
    phase = 2 * np.pi * (turns - np.round(turns))
    a, b, theta = _shapes(kinds, rng)
    distance = phase[:, None] - theta[beat]
    drive = -(a[beat] * distance * np.exp(-(distance**2) / (2 * b[beat] ** 2))).sum(axis=1)
    drive *= 2 * np.pi * np.gradient(turns, clock)  # per second instead of per radian
    wander = rng.uniform(0.0, 0.004) * np.sin(2 * np.pi * rng.uniform(0.15, 0.4) * clock + rng.uniform(0, 6))
    step = 1 / _INNER
    z = lfilter([step], [1, step - 1], drive + wander)
    return z * _MILLIVOLTS + rng.uniform(0, 0.2) * wander / 0.004


def _shapes(kinds: list[str], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a, b and theta of each beat, (beats, 5)."""
    own = np.exp(0.2 * rng.standard_normal((2, 5)))
    a = np.tile(_A * own[0], (len(kinds), 1)) * np.exp(0.05 * rng.standard_normal((len(kinds), 5)))
    b = np.tile(_B * np.exp(0.5 * np.log(own[1])), (len(kinds), 1))
    theta = np.tile(_THETA + 0.05 * rng.standard_normal(5), (len(kinds), 1))
    if rng.random() < _BLOCKED:
        b[:, 1:4] *= rng.uniform(1.3, 1.8)
        a[:, 1:4] *= rng.uniform(0.5, 0.9) * rng.choice([-1, 1], (1, 3), p=[0.2, 0.8])
    wide, inverted = rng.uniform(1.5, 3.0), rng.choice([-1, 1])
    for row, kind in enumerate(kinds):
        if kind == "V":
            b[row, 1:4] *= wide
            a[row] *= inverted / wide**2 * rng.uniform(1.2, 2.2)
            a[row, _P], a[row, _T] = 0, -3 * a[row, _T]
        elif kind == "S":
            a[row, _P] *= -0.5
    return a, b, theta
