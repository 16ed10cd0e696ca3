"""The metrics of the action recognition app, and simple methods to compare it with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipelines.data.windows import UNSCORED, WindowedData
from pipelines.evaluation.score import Metric
from pipelines.tasks.labelling import METRICS as OF_FRAMES
from pipelines.tasks.labelling import accuracy, macro_f1

from .config import ActionConfig
from .skeleton import normalised

METRICS: dict[str, Metric] = {"accuracy": accuracy, "macro_f1": macro_f1}
"""The metrics of clips. Of frames macro F1 comes first, since some labels are rare."""
_SECONDS = 2.5  # before a frame, for methods that label frames
_EVERY = 5  # they are fitted to one frame in so many


def by_settings(config: ActionConfig) -> Mapping[str, Any]:
    """Return the metrics of what the network answers with."""
    return {"metrics": METRICS if config.answer == "clip" else OF_FRAMES}


def baselines(config: ActionConfig, data: WindowedData, *_: Any) -> dict[str, dict[str, float]]:
    """Return the first metric, by test split, of the commonest label and of random forests.

    One forest sees the middle frame of a clip, one all frames without their order, and one the thirds of the
    clip in their order. Of a label at every frame, the clip is the seconds that end with it.
    """
    from pipelines.tasks.clip_baselines import clip_answers

    splits = {name: _clips(config, data, name) for name in ("train", *data.test_splits)}
    tests = {name: splits[name][0] for name in data.test_splits}
    found = clip_answers(*splits["train"], tests, seed=config.seed)
    commonest = np.bincount(splits["train"][1]).argmax()
    found = {"majority": {name: np.full(len(clips), commonest) for name, clips in tests.items()}, **found}
    first = next(iter(by_settings(config)["metrics"].values()))
    one_hot = np.eye(len(data.labels))
    return {
        method: {name: first(one_hot[each], splits[name][1]) for name, each in answers.items()}
        for method, answers in found.items()
    }


def _clips(config: ActionConfig, data: WindowedData, split: str) -> tuple[list[np.ndarray], np.ndarray]:
    """Return clips without the copies before them, and their labels; joints as the network measures them."""
    examples, whole = data.splits[split], data.whole[split]
    clips, labels = [], []
    if examples.targets.ndim == 1:
        lengths = [len(whole[owner].signal) for owner in data.owners[split]]
        clips = [clip[-length:] for clip, length in zip(examples.inputs, lengths, strict=True)]
        labels = list(examples.targets)
    else:
        span = max(2, int(_SECONDS * whole[0].rate))
        for window, targets in zip(examples.inputs, examples.targets, strict=True):
            for step in np.flatnonzero(targets != UNSCORED)[::_EVERY]:
                clips.append(window[max(0, step + 1 - span) : step + 1])
                labels.append(targets[step])
    if config.kind == "joints":
        clips = [normalised(clip, config) for clip in clips]
    return clips, np.array(labels)
