"""A video is written again with labels below its pictures, whole or not at all; so is a camera's window."""

from __future__ import annotations

import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from reference.videos import greys, write_video

from pipelines.data.video_files import large_frames
from pipelines.errors import UserError
from pipelines.tasks import labelled_video
from pipelines.tasks.camera_window import Window
from pipelines.tasks.labelled_video import Seen, labelled, write_labelled

SEEN = [Seen(0.2, "waves", 0.5), Seen(0.4, "sits", 1.0)]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_video(tmp_path / "a.mp4", greys(range(100, 115), (96, 128)))


def bars(path: Path) -> list[np.ndarray]:
    """Return the bars of a written video whose pictures are 128 x 96."""
    return [each.pixels[96 * each.pixels.shape[1] // 128 + 2 :] for each in large_frames(path, 640)]


@pytest.mark.parametrize("name", ["out.mp4", "out.gif"])
def test_each_frame_has_the_label_of_its_time(tmp_path: Path, video: Path, name: str) -> None:
    path = tmp_path / name
    write_labelled(path, video, SEEN)
    with av.open(path) as container:
        assert container.streams.video[0].codec_context.name == {"mp4": "h264", "gif": "gif"}[name[4:]]
    frames = list(large_frames(path, 640))
    np.testing.assert_allclose([each.seconds for each in frames], np.arange(15) * 0.04, atol=0.006)
    picture = frames[7].pixels
    assert abs(int(picture[40, 60, 0]) - 107) < 12
    filled = [(bar[:, :, 2] > 110).mean() for bar in bars(path)]
    assert max(filled[:5]) < 0.05
    assert all(0.3 < each < 0.7 for each in filled[5:10])
    assert min(filled[10:]) > 0.8


def test_without_h264_mpeg4_is_written(tmp_path: Path, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled_video, "_ENCODERS", ("none_such", "mpeg4"))
    write_labelled(tmp_path / "out.mp4", video, SEEN)
    assert len(list(large_frames(tmp_path / "out.mp4", 640))) == 15
    monkeypatch.setattr(labelled_video, "_ENCODERS", ("none_such",))
    with pytest.raises(UserError, match="needs an encoder of FFmpeg: expected none_such"):
        write_labelled(tmp_path / "out.mp4", video, SEEN)


def test_a_file_is_replaced_as_a_whole_or_not_at_all(
    tmp_path: Path, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.mp4"
    path.write_text("old")
    (tmp_path / "broken.mp4").write_text("no video")
    with pytest.raises(UserError, match="found another kind of file"):
        write_labelled(path, tmp_path / "broken.mp4", SEEN)
    with pytest.raises(UserError, match="No such file or directory"):
        write_labelled(path, tmp_path / "missing.mp4", SEEN)
    monkeypatch.setattr(labelled_video, "_write", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_labelled(path, video, SEEN)
    assert path.read_text() == "old"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.mp4", "broken.mp4", "out.mp4"]


def test_wrong_places_are_refused(tmp_path: Path, video: Path) -> None:
    with pytest.raises(UserError, match=r"expected a name that ends in \.mp4 or \.gif"):
        write_labelled(tmp_path / "out.avi", video, SEEN)
    with pytest.raises(UserError, match="expected another file than the video that is read"):
        write_labelled(video, video, SEEN)
    with pytest.raises(UserError, match="can't be written: No such file or directory"):
        write_labelled(tmp_path / "none" / "out.mp4", video, SEEN)


def test_a_folder_and_times_that_vary_are_written_too(tmp_path: Path) -> None:
    folder = tmp_path / "clip"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (60, 90), (80 * number,) * 3).save(folder / f"{number}.png")
    write_labelled(tmp_path / "out.mp4", folder, SEEN, folder_rate=5)
    seconds = [each.seconds for each in large_frames(tmp_path / "out.mp4", 640)]
    np.testing.assert_allclose(seconds, [0, 0.2, 0.4], atol=1e-3)
    times = [0, 0.1, 0.5, 0.55]
    source = write_video(tmp_path / "b.mp4", greys([0, 50, 100, 150]), times=times)
    write_labelled(tmp_path / "out.mp4", source, SEEN)
    seconds = [each.seconds for each in large_frames(tmp_path / "out.mp4", 640)]
    np.testing.assert_allclose(seconds, times, atol=2e-3)


@pytest.mark.parametrize("shape", [(2, 300), (300, 2), (1, 1)])
def test_odd_shapes_are_written(tmp_path: Path, shape: tuple[int, int]) -> None:
    folder = tmp_path / "clip"
    folder.mkdir()
    Image.new("RGB", shape, "white").save(folder / "1.png")
    for name in ("out.mp4", "out.gif"):
        write_labelled(tmp_path / name, folder, SEEN)
        assert len(list(large_frames(tmp_path / name, 640))) == 1


@pytest.mark.parametrize("label", ["", "a", "word " * 40, "été 手\n", "%s"])
@pytest.mark.parametrize("shape", [(2, 2), (40, 10), (480, 640)])
def test_every_label_fits_into_every_bar(label: str, shape: tuple[int, int]) -> None:
    pixels = np.full((*shape, 3), 7, np.uint8)
    drawn = labelled(pixels, label, 0.25)
    assert drawn.shape[1] == shape[1]
    assert drawn.shape[0] >= shape[0] + 28
    assert drawn.shape[0] % 2 == 0
    np.testing.assert_array_equal(drawn[: shape[0]], pixels)


class FakeOpenCV:
    """A screen whose user presses the keys in turn."""

    WND_PROP_VISIBLE = 4

    class error(Exception):  # noqa: N801, N818
        """As OpenCV's."""

    def __init__(self, keys: list[int], *, screen: bool = True) -> None:
        self.keys, self.screen, self.shown, self.visible, self.closed = keys, screen, [], 1, []
        self.destroyWindow = self.closed.append

    def imshow(self, title: str, pixels: np.ndarray) -> None:
        if not self.screen:
            raise self.error("could not connect\nto display")
        self.shown.append(pixels)

    def waitKey(self, wait: int) -> int:  # noqa: N802
        return self.keys.pop(0)

    def getWindowProperty(self, title: str, number: int) -> int:  # noqa: N802
        return self.visible


def test_a_window_shows_labels_until_the_user_stops() -> None:
    red = np.zeros((40, 60, 3), np.uint8)
    red[:, :, 0] = 255
    library = FakeOpenCV([-1, ord("x"), ord("q"), 27, -1])
    with Window("Unrolled", library) as window:
        assert [window.show(red, "waves", 0.5) for _ in range(5)] == [False, False, True, True, False]
        assert library.shown[0][0, 0].tolist() == [0, 0, 255]
        assert library.shown[0].shape == (68, 60, 3)
        library.visible = 0  # it was closed
        assert window.show(red, "waves", 0.5)
    assert library.closed == []
    with Window("Unrolled", FakeOpenCV([-1])) as window:
        window.show(red, "waves")
    assert window._library.closed == ["Unrolled"]


def test_no_screen_and_no_opencv_are_one_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        Window("Unrolled", FakeOpenCV([], screen=False)) as window,
        pytest.raises(UserError, match=r"can't be shown: expected a screen, .*: could not connect$"),
    ):
        window.show(np.zeros((4, 4, 3), np.uint8), "waves")
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(UserError, match=r'a window needs OpenCV: pip install "unrolled\[camera\]"'):
        Window("Unrolled")
