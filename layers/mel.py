"""The constant matrices of spectrograms in NumPy: mel filters and the cosine transform."""

from __future__ import annotations

import numpy as np

_BREAK_HZ, _BREAK_MEL = 1000.0, 15.0  # Slaney's scale: linear below, logarithmic above
_STEP = np.log(6.4) / 27


def hz_to_mel(hz: np.ndarray | float) -> np.ndarray:
    """Convert frequencies in Hz to Slaney's mel scale."""
    hz = np.asarray(hz, np.float64)
    above = _BREAK_MEL + np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ) / _STEP
    return np.where(hz < _BREAK_HZ, hz * _BREAK_MEL / _BREAK_HZ, above)


def mel_to_hz(mel: np.ndarray) -> np.ndarray:
    """Convert values on Slaney's mel scale to frequencies in Hz."""
    above = _BREAK_HZ * np.exp(_STEP * (mel - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, mel * _BREAK_HZ / _BREAK_MEL, above)


def mel_filters(
    *, sample_rate: int, length: int, bins: int, lowest_hz: float, highest_hz: float
) -> np.ndarray:
    """Return triangular mel filters for the power spectrum of an FFT.

    Their corners are equally spaced on Slaney's mel scale. The area of each filter over Hz is 1.

    Args:
        sample_rate: samples a second.
        length: number of samples of the FFT.
        bins: number of filters.
        lowest_hz, highest_hz: edges of the lowest and the highest filter.

    Returns:
        (length / 2 + 1, bins).

    Reference: M. Slaney, Auditory Toolbox, 1998.
    """
    corners = mel_to_hz(np.linspace(hz_to_mel(lowest_hz), hz_to_mel(highest_hz), bins + 2))
    low, middle, high = corners[:-2], corners[1:-1], corners[2:]
    hz = np.linspace(0, sample_rate / 2, length // 2 + 1)[:, None]
    slopes = np.minimum((hz - low) / (middle - low), (high - hz) / (high - middle))
    return np.maximum(slopes, 0.0) * 2 / (high - low)


def cosines(size: int, count: int) -> np.ndarray:
    """Return the first `count` basis vectors of the orthonormal DCT-II of `size` numbers: (size, count)."""
    phases = np.pi * (np.arange(size)[:, None] + 0.5) * np.arange(count) / size
    basis = np.sqrt(2 / size) * np.cos(phases)
    basis[:, 0] /= np.sqrt(2)
    return basis


def blocks(matrix: np.ndarray, most: int) -> list[tuple[slice, np.ndarray]]:
    """Split a matrix into blocks of neighbouring columns, without the zeros above and below them.

    Args:
        matrix: (rows, columns). Each column has a value that is not zero.
        most: largest number of values in a block. A block of one column may have more.

    Returns:
        For each block, from left to right, its range of rows and its values.
    """
    first, last = (matrix != 0).argmax(0), len(matrix) - (matrix[::-1] != 0).argmax(0)
    found, start = [], 0
    for column in range(matrix.shape[1]):
        rows = slice(first[start : column + 1].min(), last[start : column + 1].max())
        if column > start and (rows.stop - rows.start) * (column + 1 - start) > most:
            found.append((start, column))
            start = column
    found.append((start, matrix.shape[1]))
    spans = [(slice(int(first[a:b].min()), int(last[a:b].max())), slice(a, b)) for a, b in found]
    return [(rows, matrix[rows, columns]) for rows, columns in spans]
