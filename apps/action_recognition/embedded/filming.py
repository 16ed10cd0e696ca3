"""Poses of an actor as frames of a film."""

from __future__ import annotations

import numpy as np

from .actors import SIDE, Actor

_ACROSS, _UP = 17.0, 14.0  # pixels from the left to the right, and from the lowest to the highest
_FAR, _NEAR = 0.7, 1.5  # sizes
_REPEATED = 0.06  # the share of frames that are lost: the one before is shown again
_JITTER = 0.7  # the deviation of a clip's place from the actor's, in pixels


def filmed(poses: np.ndarray, by: Actor, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the frames, uint8 (frames, 32, 32, 1), and the poses that they show, (frames, 4).

    Args:
        poses: (frames, 4), as `movements.poses` returns them.
        by: who moves.
        rng: draws tremor, lost frames, noise and changes of the light.
    """
    moved = poses + by.tremor * _unsteady(len(poses), rng)
    shown = np.arange(len(poses))
    lost = np.flatnonzero(rng.random(len(poses) - 1) < _REPEATED) + 1
    for each in lost:
        shown[each] = shown[each - 1]
    body, arm = _covered(moved.astype(np.float32), by, rng)
    film = by.room + by.shade * body
    film += (by.room.mean() + by.shade + by.arm - film) * arm
    film *= _light(len(poses), by.flicker, rng)[:, None, None]
    film += by.noise * rng.standard_normal(film.shape, np.float32)
    levels = np.clip(255 * by.contrast * film + 0.5, 0, 255).astype(np.uint8)
    return levels[shown][..., None], moved[shown]


def _unsteady(frames: int, rng: np.random.Generator) -> np.ndarray:
    """Return a tremor of deviation 1 in each coordinate, (frames, 4), each frame like the one before."""
    noise = rng.standard_normal((frames + 1, 4))
    return (noise[1:] + noise[:-1]) / np.sqrt(2)


def _light(frames: int, flicker: float, rng: np.random.Generator) -> np.ndarray:
    """Return the strength of the light, (frames,): it swells, and a lamp is switched at some frame."""
    times = np.arange(frames)
    swell = np.sin(2 * np.pi * (times * rng.uniform(0.01, 0.08) + rng.random()))
    switched = rng.uniform(-1, 1) * (times >= rng.integers(frames))
    return np.asarray(1 + flicker * (0.6 * swell + switched), np.float32)


def _covered(poses: np.ndarray, by: Actor, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return how much of each pixel the body and the arm cover, (frames, 32, 32) each."""
    turns, near, across, height = (column[:, None, None] for column in poses.T)
    size = np.float32(_FAR) * np.float32(_NEAR / _FAR) ** near * np.float32(by.zoom)
    right, down = rng.normal(by.place, _JITTER).astype(np.float32)
    places = np.arange(SIDE, dtype=np.float32) - np.float32((SIDE - 1) / 2)
    cos, sin = np.float32(np.cos(by.tilt)), np.float32(np.sin(by.tilt))
    x = cos * places - sin * places[:, None] - right - np.float32(_ACROSS) * (across - np.float32(0.5))
    y = sin * places + cos * places[:, None] - down + np.float32(_UP) * (height - np.float32(0.5))
    wide, tall = size * np.float32(by.wide), size * np.float32(by.tall)
    body = _inside(_from_middle(np.abs(x) / wide, np.abs(y) / tall, by.shape), np.minimum(wide, tall))
    angle = np.float32(2 * np.pi) * turns
    to_x, to_y = np.cos(angle), np.sin(angle)
    reach = size * np.float32(by.reach)
    along = np.clip(x * to_x + y * to_y, 0, reach)
    apart = _length(x - along * to_x, y - along * to_y)
    hand = _length(x - reach * to_x, y - reach * to_y) - np.float32(0.8) * size
    arm = np.clip(size * np.float32(by.thick) - np.minimum(apart, hand) + np.float32(0.5), 0, 1)
    return body, arm


def _from_middle(x: np.ndarray, y: np.ndarray, shape: str) -> np.ndarray:
    """Return how far points are from the middle of a shape, 1 on its edge."""
    if shape == "round":
        return _length(x, y)
    return np.maximum(x, y) if shape == "box" else np.float32(0.8) * (x + y)


def _length(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the length of vectors; np.hypot takes three times as long."""
    return np.sqrt(x * x + y * y)


def _inside(distance: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Return the share of each pixel inside a shape, with soft edges."""
    return np.clip((1 - distance) * radius + np.float32(0.5), 0, 1)
