"""Joints measured from a root joint, in lengths of the torso: in numpy, as the network does it."""

from __future__ import annotations

import numpy as np

from .config import ActionConfig

SMALLEST = 1e-3
"""The least length of a torso."""


def normalised(joints: np.ndarray, config: ActionConfig) -> np.ndarray:
    """Return joints (..., joints, 3) as `model.normalised_skeleton` does.

    y_j = (x_j - x_root) / |x_a - x_b|        a, b: the two joints of the torso
    """
    x = joints
    if config.root is not None:
        x = x - joints[..., config.root : config.root + 1, :]
    if config.torso:
        upper, lower = (joints[..., joint : joint + 1, :] for joint in config.torso)
        x = x / np.maximum(np.linalg.norm(upper - lower, axis=-1, keepdims=True), SMALLEST)
    return x
