"""Watches a camera: shows its pictures in a window, with what is seen in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pipelines.data.camera import CameraFrame, camera_frames
from pipelines.data.video_files import Frames
from pipelines.data.windows import NOTHING
from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.trigger import Steady
from pipelines.tasks.camera_window import Window
from pipelines.tasks.events import EventOptions, Listener
from pipelines.tasks.segments import SegmentOptions
from pipelines.tasks.window_finder import WindowListener


def watch(
    bundle: Bundle, variant: str | None, camera: int, options: SegmentOptions
) -> Iterator[dict[str, Any]]:
    """Yield the segments that are seen, each when it ends, until q is pressed or the window is closed.

    Raises:
        UserError: the network reads joints, or there is no camera or no screen.
    """
    settings = bundle.preprocessing
    if settings["kind"] != "video":
        raise UserError("--camera: expected a network that reads pictures, this one reads joints")
    size, _, colours = settings["shape"]
    frames = camera_frames(Frames(size, colours, settings["sample_rate"]), camera)
    with Window("q ends") as window:
        yield from seen(bundle, variant, options, frames=frames, window=window)


def seen(
    bundle: Bundle,
    variant: str | None,
    options: SegmentOptions,
    *,
    frames: Iterable[CameraFrame],
    window: Window,
) -> Iterator[dict[str, Any]]:
    """Show frames with their labels; yield each segment when it ends.

    A network that was trained with one label a clip answers to the last window, at times the `hop` apart.
    """
    listener, late = _listener(bundle, variant)
    steady = Steady(
        max(1, round(options.smoothing_ms / 1000 / listener.step_seconds)), options.enter, options.leave
    )
    label, since, probability, now = "", 0.0, None, 0.0
    for frame in frames:
        now = frame.seconds
        for posterior in listener.posteriors(frame.small[None]):
            number = steady(posterior)
            name = bundle.labels[number] if number >= 0 else NOTHING
            name = "" if name == NOTHING else name
            probability = float(posterior[number]) if name else None
            if name != label:
                at = max(0.0, now - late)
                yield from _ended(label, since, at)
                label, since = name, at
        if window.show(frame.large, label, probability):
            break
    yield from _ended(label, since, now)


def _listener(bundle: Bundle, variant: str | None) -> tuple[Listener | WindowListener, float]:
    """Return what answers while frames arrive, and by how many seconds an answer is late."""
    if bundle.manifest["config"]["answer"] == "clip":
        windows = WindowListener(bundle, variant)
        return windows, windows.late
    return Listener(bundle, variant, EventOptions(), ignored=(NOTHING,)), bundle.preprocessing["delay"]


def _ended(label: str, since: float, now: float) -> Iterator[dict[str, Any]]:
    if label:
        segment = {"start": since, "end": now, "label": label}
        yield {"file": None, "seconds": now, "segments": [segment], "real_time_factor": 0.0}
