"""Frames of a camera, which is a fake here: small as those of videos, at the wanted rate, let go at last."""

from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest

from pipelines.data.camera import camera_frames
from pipelines.data.video_files import Frames
from pipelines.errors import UserError


class Fake:
    """A camera whose pictures are red on the left, and whose clock goes on with each."""

    def __init__(self, answers: list[object], rate: float = 30.0) -> None:
        self.answers, self.rate, self.reads, self.released = answers, rate, 0, 0

    def isOpened(self) -> bool:  # noqa: N802
        return bool(self.answers)

    def read(self) -> tuple[bool, object]:
        if self.reads >= len(self.answers):
            return False, None
        answer = self.answers[self.reads]
        self.reads += 1
        if isinstance(answer, Exception):
            raise answer
        return answer is not None, answer

    def release(self) -> None:
        self.released += 1

    def clock(self) -> float:
        return 100 + (self.reads - 1) / self.rate


def picture() -> np.ndarray:
    blue_green_red = np.zeros((30, 40, 3), np.uint8)
    blue_green_red[:, :20, 2] = 255
    return blue_green_red


def frames(camera: Fake, wanted: Frames) -> list:
    return list(itertools.islice(camera_frames(wanted, capture=camera, clock=camera.clock), 10))


def test_frames_are_small_and_large_and_have_times() -> None:
    camera = Fake([picture() for _ in range(12)])
    found = frames(camera, Frames(size=16, colours=3))
    assert [each.large.shape for each in found] == [(30, 40, 3)] * 10
    assert found[0].large[0, 0].tolist() == [255, 0, 0]
    small = found[0].small
    assert small.shape == (16, 16, 3)
    assert small[8, 3].tolist() == [255, 0, 0]
    assert not small[[0, 1, 14, 15]].any()  # the picture keeps its shape
    np.testing.assert_allclose([each.seconds for each in found], np.arange(10) / 30)


@pytest.mark.parametrize(("rate", "taken"), [(10.0, range(0, 30, 3)), (60.0, range(10)), (30.0, range(10))])
def test_a_fast_camera_is_thinned_out(rate: float, taken: range) -> None:
    camera = Fake([picture() for _ in range(40)])
    found = frames(camera, Frames(rate=rate))
    np.testing.assert_allclose([each.seconds for each in found], np.array(taken) / 30)


def test_grey_pictures_and_those_that_fail_now_and_then_are_fine() -> None:
    grey = np.full((30, 40), 90, np.uint8)
    camera = Fake([None, ValueError("not yet"), grey, None, picture()] + [grey] * 9)
    found = frames(camera, Frames())
    assert len(found) == 10
    assert found[0].large[3, 3].tolist() == [90, 90, 90]
    assert found[0].small[16, 16].tolist() == [90]


def test_a_camera_is_let_go_and_its_end_is_an_error() -> None:
    camera = Fake([picture()] * 3)
    with pytest.raises(UserError, match="camera 0: it gives no frames"):
        frames(camera, Frames())
    assert camera.released == 1
    camera = Fake([picture()] * 3)
    stream = camera_frames(Frames(), capture=camera)
    next(stream)
    stream.close()
    assert camera.released == 1


def test_no_camera_and_no_opencv_are_one_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="camera 0: can't be opened; is it connected"):
        frames(Fake([]), Frames())
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(UserError, match=r'a camera needs OpenCV: pip install "unrolled\[camera\]"'):
        next(camera_frames(Frames()))
