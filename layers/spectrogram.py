"""Spectrograms computed in the graph, so that a device uses the features that training used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .checks import require_units
from .mel import blocks, cosines, mel_filters
from .plain_layer import PlainLayer
from .states import after_the_past, carried_states, zero_past

IN_FLOAT = "in_float"
"""Name scope of operations that stay in float32 in quantised files. Energies span ten powers of ten."""

_SMALL = 400
"""The most numbers in a block of a matrix. TFLite quantises constants of 1,024 or more numbers to 8 bits,
even in a float product. Blocks of this size have so few zeros in them that files are smallest."""


def compute_in_float(layer: Any) -> None:
    """Let a layer of Keras compute in the scope `IN_FLOAT`; the layer is changed in place."""
    call = layer.call

    def in_float(*args: Any, **kwargs: Any) -> Any:
        with tf.name_scope(IN_FLOAT):
            return call(*args, **kwargs)

    layer.call = in_float


@keras.saving.register_keras_serializable("unrolled")
class Mel(PlainLayer):
    """A mel spectrogram: the energy of a signal in mel bands, frame by frame.

        frame_t = hann * samples[(t + 1) hop - window : (t + 1) hop]
        energies_t = |rfft(frame_t, n)|^2 F

    n is the smallest power of two that is at least the window, F are the `mel_filters`. Frame t ends with hop
    t, and zeros precede the first sample. So a frame never waits for later samples, and a stream in packets
    of whole hops has the same frames as the whole signal. Samples after the last whole hop are
    ignored. Everything is computed in float32, in quantised files too.

    Args:
        sample_rate: samples a second.
        window_ms, hop_ms: length of a frame and distance between two frames in milliseconds. Both must be
            whole numbers of samples, and the window at least the hop.
        bins: number of mel bands.
        lowest_hz, highest_hz: edges of the lowest and highest band; None for half the sample rate.

    Call arguments: `samples` (batch, n), in [-1, 1].
    Returns: energies (batch, n // hop, bins), at least 0.
    State in a stream: `past`, the last window - hop samples.

    Raises:
        ValueError: a length is not a whole number of samples, a band holds no frequency of the FFT, the edges
            are out of range, or a packet of a stream is not a whole number of hops.

    Reference: M. Slaney, Auditory Toolbox, 1998, for the mel scale and the filters.
    """

    def __init__(
        self,
        *,
        sample_rate: int = 16000,
        window_ms: float = 40,
        hop_ms: float = 20,
        bins: int = 40,
        lowest_hz: float = 20.0,
        highest_hz: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)  # float16 can't represent the range of energies
        require_units(self, sample_rate, "sample_rate")
        require_units(self, bins, "bins")
        self.sample_rate = sample_rate
        self.window_ms = window_ms
        self.hop_ms = hop_ms
        self.bins = bins
        self.lowest_hz = lowest_hz
        self.highest_hz = highest_hz
        self.window, self.hop = self._count("window_ms"), self._count("hop_ms")
        if self.window < self.hop:
            raise ValueError(f"{self._kind}: window_ms: expected at least hop_ms, {hop_ms}, got {window_ms}")
        self._length = 1 << (self.window - 1).bit_length()
        self._filters = self._checked_filters()
        self.built = True

    @property
    def _kind(self) -> str:
        return type(self).__name__

    def _count(self, name: str) -> int:
        """Return how many samples the duration in the attribute `name` has."""
        count = getattr(self, name) * self.sample_rate / 1000
        if count != int(count) or count < 1:
            raise ValueError(
                f"{self._kind}: {name}: expected a whole number of samples, got {count} "
                f"at {self.sample_rate} a second"
            )
        return int(count)

    def _checked_filters(self) -> np.ndarray:
        half = self.sample_rate / 2
        highest = half if self.highest_hz is None else self.highest_hz
        if not 0 <= self.lowest_hz < highest <= half:
            raise ValueError(
                f"{self._kind}: lowest_hz, highest_hz: expected 0 <= lowest < highest <= {half:g}, "
                f"got {self.lowest_hz} and {self.highest_hz}"
            )
        filters = mel_filters(
            sample_rate=self.sample_rate,
            length=self._length,
            bins=self.bins,
            lowest_hz=self.lowest_hz,
            highest_hz=highest,
        )
        if not filters.any(axis=0).all():
            raise ValueError(
                f"{self._kind}: bins: expected every band to hold one of the {self._length // 2 + 1} "
                f"frequencies of the window, got {self.bins} bands"
            )
        return filters

    def stream_states(self, batch_size: Any) -> dict[str, tf.Tensor]:
        """Return the state that a stream starts from: zeros (batch_size, window - hop), named `past`."""
        return zero_past((batch_size, self.window - self.hop), "float32")

    def call(self, samples: tf.Tensor) -> tf.Tensor:
        """Return the results; the class docstring describes the arguments."""
        self._check(samples.shape)
        with tf.name_scope(IN_FLOAT):
            features = self._features(self._energies(tf.cast(samples, "float32")))
            return tf.cast(features, self.compute_dtype)

    def _check(self, shape: Sequence[int | None]) -> None:
        if len(shape) != 2:
            raise ValueError(f"{self.name}: expected samples of shape (batch, n), got {tuple(shape)}")
        if carried_states(self) is not None and (shape[1] or 0) % self.hop:
            raise ValueError(
                f"{self.name}: streaming: expected packets of whole hops of {self.hop} samples, "
                f"got {shape[1]}"
            )

    def _energies(self, samples: tf.Tensor) -> tf.Tensor:
        samples = after_the_past(self, samples, self.window - self.hop)
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.window) / self.window)
        frames = tf.signal.frame(samples, self.window, self.hop) * hann.astype(np.float32)
        spectrum = tf.signal.rfft(frames, [self._length])
        return product(tf.math.real(spectrum) ** 2 + tf.math.imag(spectrum) ** 2, self._filters)

    def _features(self, energies: tf.Tensor) -> tf.Tensor:
        """Map energies (batch, frames, bins) to the features that the layer returns."""
        return energies

    def compute_output_shape(self, samples_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return (batch, frames, bins)."""
        batch, count = samples_shape
        return (batch, None if count is None else count // self.hop, self.bins)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("sample_rate", "window_ms", "hop_ms", "bins", "lowest_hz", "highest_hz")
        return super().get_config() | {name: getattr(self, name) for name in names}


@keras.saving.register_keras_serializable("unrolled")
class LogMel(Mel):
    """A logarithmic mel spectrogram: (log(energies + offset) - mean) / scale, with the energies of `Mel`.

    Args:
        offset: added to the energies, so that silence has a logarithm. This also hides weaker noise. White
            noise with standard deviation d has energies of about 10 d^2: 10^-9 for rounding to 16 bits, 10^-6
            for a quiet room.
        mean, scale: mean and standard deviation of the logarithms in the training data; one number, or one
            for each feature.
        **kwargs: the arguments of `Mel`: sample_rate, window_ms, hop_ms, bins, lowest_hz, highest_hz.

    Call arguments: `samples` (batch, n), in [-1, 1].
    Returns: (batch, n // hop, bins).
    State in a stream: `past`, the last window - hop samples.

    Raises:
        ValueError: `offset` or `scale` is not above 0, `mean` or `scale` has the wrong size, or an
            argument of `Mel` is wrong.
    """

    def __init__(
        self,
        *,
        offset: float = 1e-6,
        mean: float | Sequence[float] = 0.0,
        scale: float | Sequence[float] = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not offset > 0:
            raise ValueError(f"{self._kind}: offset: expected a number above 0, got {offset}")
        if not np.all(np.asarray(scale) > 0):
            raise ValueError(f"{self._kind}: scale: expected numbers above 0, got {scale}")
        self.offset = offset
        self.mean, self.scale = (np.asarray(value, float).tolist() for value in (mean, scale))

    def _features(self, energies: tf.Tensor) -> tf.Tensor:
        return self._normalised(tf.math.log(energies + self.offset))

    def _normalised(self, features: tf.Tensor) -> tf.Tensor:
        mean, scale = (np.asarray(value, np.float32) for value in (self.mean, self.scale))
        for name, value in (("mean", mean), ("scale", scale)):
            if value.shape not in ((), features.shape[-1:]):
                raise ValueError(
                    f"{self.name}: {name}: expected 1 or {features.shape[-1]} numbers, got {value.size}"
                )
        return features * (1 / scale) - mean / scale if np.any(mean) or np.any(scale != 1) else features

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {name: getattr(self, name) for name in ("offset", "mean", "scale")}


@keras.saving.register_keras_serializable("unrolled")
class MFCC(LogMel):
    """Mel-frequency cepstral coefficients: the orthonormal DCT-II of log(energies + offset).

    The first coefficient is the loudness. Its range is about ten times that of the others, so pass `mean` and
    `scale` for each coefficient: otherwise 8 bits leave few levels for the others.

    Args:
        coefficients: how many coefficients to keep, from the first; at most `bins`.
        **kwargs: the arguments of `LogMel`: offset, mean and scale (of the coefficients), sample_rate,
            window_ms, hop_ms, bins, lowest_hz, highest_hz.

    Call arguments: `samples` (batch, n), in [-1, 1].
    Returns: (batch, n // hop, coefficients).
    State in a stream: `past`, the last window - hop samples.

    Raises:
        ValueError: `coefficients` is not between 1 and `bins`, or an argument of `LogMel` is wrong.

    Reference: S. Davis and P. Mermelstein, Comparison of parametric representations for monosyllabic word
    recognition in continuously spoken sentences, IEEE Transactions on Acoustics, Speech, and Signal
    Processing 28 (1980).
    """

    def __init__(self, *, coefficients: int = 13, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        require_units(self, coefficients, "coefficients")
        if coefficients > self.bins:
            raise ValueError(
                f"{self._kind}: coefficients: expected at most bins, {self.bins}, got {coefficients}"
            )
        self.coefficients = coefficients

    def _features(self, energies: tf.Tensor) -> tf.Tensor:
        logarithms = tf.math.log(energies + self.offset)
        return self._normalised(product(logarithms, cosines(self.bins, self.coefficients)))

    def compute_output_shape(self, samples_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return (batch, frames, coefficients)."""
        return (*super().compute_output_shape(samples_shape)[:2], self.coefficients)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"coefficients": self.coefficients}


def product(x: tf.Tensor, matrix: np.ndarray) -> tf.Tensor:
    """Return the product with a constant matrix, computed in blocks that are too small to be quantised.

    Args:
        x: (batch, frames, rows).
        matrix: (rows, columns).

    Returns:
        (batch, frames, columns).
    """
    parts = [
        tf.matmul(x[:, :, rows], tf.constant(block, x.dtype)[None]) for rows, block in blocks(matrix, _SMALL)
    ]
    return tf.concat(parts, -1)
