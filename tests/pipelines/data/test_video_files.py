"""Videos become small square frames, upright, in their shape, at equal times; broken ones are refused."""

from __future__ import annotations

import io
import os
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from reference.videos import CODECS, greys, write_video

from pipelines.data import video_decoding, video_frames
from pipelines.data.video_files import SUFFIXES, Frames, large_frames, read_video
from pipelines.errors import UserError

GREYS = [20 * i for i in range(12)]
STEPS = 8
"""By so much a grey may be off after an encoder."""


def test_every_kind_of_file_is_read(tmp_path: Path) -> None:
    assert {each.replace(".m4v", ".mp4") for each in SUFFIXES} == CODECS.keys()
    for suffix in CODECS:
        path = write_video(tmp_path / f"a{suffix}", greys(GREYS))
        video = read_video(path, Frames(size=16))
        assert video.frames.shape == (12, 16, 16, 1)
        assert video.frames.dtype == np.uint8
        assert (video.rate, video.notes) == (25.0, ())
        middle = video.frames[:, 8, 8, 0].astype(int)
        assert np.abs(middle - GREYS).max() <= (20 if suffix == ".gif" else STEPS), suffix


def test_the_content_decides_what_a_file_is(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.webm", greys(GREYS)).rename(tmp_path / "a.mp4")
    assert len(read_video(path, Frames()).frames) == 12


@pytest.mark.parametrize("shape", [(48, 64), (47, 63), (64, 48), (10, 300), (300, 10), (3, 5)])
def test_a_picture_keeps_its_shape_and_gets_black_borders(tmp_path: Path, shape: tuple[int, int]) -> None:
    path = write_video(tmp_path / "a.mkv", greys([255] * 2, shape), prepare=_in_full_colour)
    seen = read_video(path, Frames(size=32)).frames[1, :, :, 0] > 128
    rows, columns = seen.any(axis=1).sum(), seen.any(axis=0).sum()
    scale = 32 / max(shape)
    assert (rows, columns) == (max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale)))
    assert seen.sum() == rows * columns
    assert abs(seen.any(axis=1).argmax() - (32 - rows) / 2) <= 0.5


def _in_full_colour(stream: av.VideoStream) -> None:
    stream.pix_fmt = "yuv444p"  # odd sizes are allowed


def test_pixels_that_are_not_square_are_stretched(tmp_path: Path) -> None:
    def wide(stream: av.VideoStream) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(2, 1)

    for suffix in (".mp4", ".mov", ".avi"):
        path = write_video(tmp_path / f"a{suffix}", greys([255] * 2, (48, 48)), prepare=wide)
        seen = read_video(path, Frames(size=32)).frames[0, :, :, 0] > 128
        assert (seen.any(axis=1).sum(), seen.any(axis=0).sum()) == (16, 32)


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_frames_are_turned_upright(tmp_path: Path, turned: int) -> None:
    upright = np.zeros((48, 64, 3), np.uint8)
    upright[:24, :32] = 255  # white at the upper left
    upright[24:, :32, 0] = 255  # red below
    stored = np.rot90(upright, turned // 90)  # counterclockwise; the file says to turn it back
    path = tmp_path / "a.mp4"
    write_video(path, [stored] * 2, prepare=lambda stream: stream.set_display_rotation(-turned))
    seen = read_video(path, Frames(size=64, colours=3)).frames[1].astype(int)
    expected = np.zeros((64, 64, 3), int)
    expected[8:56] = upright
    assert np.abs(seen - expected).mean() < 6


def test_a_mirrored_video_is_mirrored_back(tmp_path: Path) -> None:
    stored = np.zeros((48, 64, 3), np.uint8)
    stored[:, 32:] = 255
    content = bytearray(write_video(tmp_path / "a.mp4", [stored] * 2).read_bytes())
    at = content.index(b"tkhd") + 44
    assert content[at : at + 4] == (1 << 16).to_bytes(4)
    content[at : at + 4] = (-1 << 16).to_bytes(4, signed=True)
    (tmp_path / "b.mp4").write_bytes(content)
    seen = read_video(tmp_path / "b.mp4", Frames(size=32)).frames[0, 16, :, 0]
    assert seen[0] > 200
    assert seen[-1] < 50


@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("size", [16, 31, 100])
def test_videos_images_and_pictures_in_memory_look_the_same(tmp_path: Path, colours: int, size: int) -> None:
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 255, (6, 8, 3), np.uint8))
    picture = np.asarray(coarse.resize((96, 72), Image.Resampling.BICUBIC))
    video = write_video(tmp_path / "a.mkv", [picture] * 2, prepare=_in_full_colour)
    folder = tmp_path / "folder"
    folder.mkdir()
    Image.fromarray(picture).save(folder / "1.png")
    wanted = Frames(size, colours)
    first, second = (read_video(each, wanted).frames[0].astype(int) for each in (video, folder))
    third = video_frames.fitted(Image.fromarray(picture), (size, size), colours)
    assert np.abs(first - second).max() <= 4
    np.testing.assert_array_equal(second, third)


def test_frames_of_a_varying_rate_are_taken_by_their_times(tmp_path: Path) -> None:
    times = [0, 0.1, 0.5, 0.55, 1.0]
    path = write_video(tmp_path / "a.mp4", greys([0, 50, 100, 150, 200]), times=times)
    video = read_video(path, Frames(rate=10))
    shown = [0, 50, 50, 50, 50, 100, 150, 150, 150, 150, 200]
    assert video.rate == 10
    assert video.notes == ()
    assert np.abs(video.frames[: len(shown), 16, 16, 0].astype(int) - shown).max() <= STEPS
    assert len(video.frames) - len(shown) in (0, 1, 2)  # the last one lasts as long as the mean

    kept = read_video(path, Frames())
    assert len(kept.frames) == 5
    assert kept.rate == pytest.approx(4)
    assert kept.notes == ("a.mp4: the rate varies; 4 frames a second is its average",)


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".gif", ".avi"])
@pytest.mark.parametrize(
    ("rate", "places"), [(25, range(12)), (12.5, range(0, 12, 2)), (50, np.arange(24) // 2)]
)
def test_a_steady_rate_is_thinned_out_or_repeated_evenly(
    tmp_path: Path, suffix: str, rate: float, places: np.ndarray
) -> None:
    path = write_video(tmp_path / f"a{suffix}", greys(GREYS))
    seen = read_video(path, Frames(rate=rate)).frames[:, 16, 16, 0].astype(int)
    expected = read_video(path, Frames()).frames[:, 16, 16, 0].astype(int)[list(places)]
    np.testing.assert_array_equal(seen, expected)


def test_frames_that_avi_stores_in_another_order_keep_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CODECS, ".avi", ("libx264", "yuv420p"))
    path = write_video(tmp_path / "a.avi", greys(GREYS))
    for rate in (None, 25, 12.5):
        seen = read_video(path, Frames(rate=rate))
        step = 2 if rate == 12.5 else 1
        assert seen.notes == ()
        assert np.abs(seen.frames[:, 16, 16, 0].astype(int) - GREYS[::step]).max() <= STEPS


def test_times_that_a_file_rounds_do_not_repeat_frames(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", greys(range(0, 240, 4)), rate=30)  # whole milliseconds
    for rate in (30, 15, 10, None):
        seen = read_video(path, Frames(rate=rate))
        assert np.diff(seen.frames[:, 16, 16, 0].astype(int)).min() > 0, rate
        assert seen.notes == ()
    assert seen.rate == 30


def test_a_damaged_video_keeps_what_can_be_decoded(tmp_path: Path) -> None:
    frames = greys(np.arange(60) * 4)
    whole = write_video(tmp_path / "a.mp4", frames, options={"movflags": "faststart"}).read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole[: len(whole) * 9 // 10])
    video = read_video(path, Frames())
    kept = len(video.frames)
    assert 30 < kept < 60
    assert video.notes == (f"cut.mp4: damaged or cut short: {kept} of 60 frames could be decoded",)
    assert np.abs(video.frames[:, 16, 16, 0].astype(int) - np.arange(kept) * 4).max() <= STEPS


@pytest.mark.parametrize("suffix", [".gif", ".avi", ".webm", ".mkv"])
def test_a_cut_video_of_another_kind_is_noted(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(0)
    frames = list(rng.integers(0, 255, (30, 48, 64, 3), np.uint8))
    whole = write_video(tmp_path / f"a{suffix}", frames)
    assert read_video(whole, Frames()).notes == ()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size * 8 // 10])
    video = read_video(path, Frames())
    assert 1 <= len(video.frames) < 30
    assert f"{len(video.frames)}" in video.notes[0]
    assert video.notes[0].startswith(f"cut{suffix}: damaged or cut short: ")


def refused(path: Path) -> str:
    """Return the one line that refuses a video, without the path."""
    with pytest.raises(UserError) as error:
        read_video(path, Frames())
    said = str(error.value)
    assert "\n" not in said
    assert said.startswith(str(path))
    return said.removeprefix(f"{path}: ")


def test_what_is_no_video_is_refused_in_a_line(tmp_path: Path) -> None:
    kinds = "expected a video (MP4, MOV, AVI, GIF, WebM or MKV)"
    path = tmp_path / "a.mp4"
    assert refused(path) == f"{kinds}: No such file or directory"
    path.write_bytes(b"")
    assert refused(path) == f"{kinds}, found an empty file"
    path.write_text("A letter, not a video.\n")
    assert refused(path) == f"{kinds}, found another kind of file"
    Image.new("RGB", (8, 8)).save(path, "PNG")
    assert refused(path) == f"{kinds}, found another kind of file"
    whole = write_video(tmp_path / "b.mp4", greys(GREYS)).read_bytes()  # its table is at the end
    path.write_bytes(whole[: len(whole) // 2])
    assert refused(path).startswith("expected a video, found a damaged or cut one: ")
    path.write_bytes(whole[:100])
    assert "expected" in refused(path)


def test_devices_and_pipes_are_not_opened(tmp_path: Path) -> None:
    assert refused(Path("/dev/zero")).endswith("found a device or a pipe")
    os.mkfifo(tmp_path / "a.mp4")
    assert refused(tmp_path / "a.mp4").endswith("found a device or a pipe")


def test_a_file_with_sound_only_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("aac", rate=16000)
        samples = np.zeros((1, 16000), np.float32)
        sound = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
        sound.sample_rate = 16000
        container.mux(stream.encode(sound))
        container.mux(stream.encode())
    assert refused(path) == "expected pictures in the video, found only sound"


def test_a_video_without_frames_is_refused(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "a.gif", greys([0]))
    content = whole.read_bytes()
    path = tmp_path / "b.gif"
    path.write_bytes(content[:10] + b"\0\0\0;")
    assert "expected" in refused(path)
    cut = write_video(tmp_path / "a.mp4", greys(GREYS), options={"movflags": "faststart"}).read_bytes()
    path = tmp_path / "b.mp4"
    path.write_bytes(cut[: cut.index(b"mdat") + 8])
    assert refused(path) == "expected frames in the video, all are damaged or cut off"


@pytest.mark.parametrize(
    "script",
    [
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.mp4\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{}'\n",
        "file '{}'\n",
        "<?xml version='1.0'?><MPD><BaseURL>{}</BaseURL></MPD>",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
        ";FFMETADATA1\n",
    ],
)
def test_lists_of_other_files_and_addresses_are_not_followed(tmp_path: Path, script: str) -> None:
    whole = write_video(tmp_path / "a.mp4", greys(GREYS))
    path = tmp_path / "list.mp4"
    path.write_text(script.format(whole))
    assert refused(path).endswith("found another kind of file")


def test_other_decoders_are_not_started(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    with av.open(path, "w") as container:
        stream = container.add_stream("zmbv", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgr0"
        for frame in greys([0, 1]):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode())
    assert refused(path) == "videos coded as zmbv are not read: convert it, say to H.264 in MP4"


def test_huge_frames_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.gif", greys([0, 1]))
    content = bytearray(path.read_bytes())
    content[6:10] = bytes([255, 255, 255, 255])
    path.write_bytes(content)
    assert refused(path) == "expected at most 40,000,000 pixels a frame, found 65,535 x 65,535"


def test_frames_that_grow_on_the_way_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "a.mp4", greys(GREYS))
    monkeypatch.setattr(video_decoding, "MAX_PIXELS", 64 * 48 - 1)
    with pytest.raises(UserError, match="expected at most 3,071 pixels a frame, found 64 x 48"):
        read_video(path, Frames())


def test_more_frames_than_fit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_frames, "MAX_BYTES", 10 * 32 * 32)
    path = write_video(tmp_path / "a.mp4", greys(GREYS))
    said = refused(path)
    assert said.startswith("expected at most 10 frames of 32 x 32, found more: cut the video")
    assert len(read_video(path, Frames(rate=12.5)).frames) == 6


def test_a_wrong_time_is_refused_before_millions_of_frames_are_made(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", greys([0, 50, 100]), times=[0, 0.1, 200_000])
    with pytest.raises(UserError, match=r"expected at most 1,048,576 frames of 32 x 32, found more"):
        read_video(path, Frames(rate=10))


def test_without_pyav_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    assert refused(tmp_path / "a.mp4") == 'reading videos needs av: pip install "unrolled[video]"'


@pytest.mark.parametrize("wrong", [{"size": 0}, {"colours": 2}, {"rate": 0.0}, {"rate": float("nan")}])
def test_wishes_that_make_no_sense_are_refused(wrong: dict) -> None:
    with pytest.raises(UserError, match="of frames: expected"):
        Frames(**wrong)


def test_large_frames_are_even_and_bounded(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", greys([255] * 3, (75, 99)), prepare=_in_full_colour)
    for longest, shape in ((50, (38, 50)), (150, (74, 98)), (300, (114, 150))):
        frames = list(large_frames(path, longest))
        assert [each.pixels.shape for each in frames] == [(*shape, 3)] * 3
        np.testing.assert_allclose([each.seconds for each in frames], [0, 0.04, 0.08], atol=1e-3)
        assert frames[2].pixels.min() > 240


def images(folder: Path, shapes: dict[str, tuple[int, int]]) -> Path:
    folder.mkdir()
    for number, (name, shape) in enumerate(shapes.items()):
        Image.new("RGB", shape, (20 * number + 55,) * 3).save(folder / name)
    return folder


def test_a_folder_of_images_is_read_in_the_order_of_people(tmp_path: Path) -> None:
    names = ["f1.png", "f2.jpg", "F9.BMP", "f10.webp", "f11.png"]
    folder = images(tmp_path / "clip", dict.fromkeys(names, (40, 30)))
    (folder / ".f0.png").write_text("hidden")
    (folder / "notes.txt").write_text("no image")
    video = read_video(folder, Frames(rate=10))
    assert video.rate == 10
    assert video.notes == ()
    assert np.abs(video.frames[:, 16, 16, 0].astype(int) - [55, 75, 95, 115, 135]).max() <= 3
    without = read_video(folder, Frames())
    assert without.rate == 25
    assert without.notes == ("clip: images have no rate, taken as 25 frames a second",)


def test_images_of_different_sizes_are_fitted_each(tmp_path: Path) -> None:
    folder = images(tmp_path / "clip", {"1.png": (40, 20), "2.png": (20, 40), "3.png": (33, 33)})
    seen = read_video(folder, Frames(size=20, colours=3, rate=5)).frames.any(axis=3)
    assert [each.any(axis=1).sum() for each in seen] == [10, 20, 20]
    assert [each.any(axis=0).sum() for each in seen] == [20, 10, 20]
    assert [each.pixels.shape for each in large_frames(folder, 40, 5.0)] == [(20, 40, 3)] * 3
    assert [each.seconds for each in large_frames(folder, 40, 5.0)] == [0, 0.2, 0.4]


def test_broken_images_are_left_out_or_the_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "clip"
    folder.mkdir()
    assert refused(folder).startswith("expected images in the folder (.png, ")
    (folder / "2.png").write_text("no image")
    assert refused(folder).startswith("can't read any of 1 images: clip/2.png: not an image in a format")
    Image.new("1", (20_000, 5_000)).save(folder / "3.png")
    Image.new("RGB", (20, 20)).save(folder / "1.png")
    video = read_video(folder, Frames(rate=5))
    assert len(video.frames) == 1
    assert video.notes[0].startswith("clip: 2 images left out that can't be read: clip/2.png: not an image")
    assert "pixels, found" in video.notes[0]


def test_an_image_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    folder = tmp_path / "clip"
    folder.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    content = io.BytesIO()
    Image.new("RGB", (40, 20), "white").save(content, "JPEG", exif=exif)
    (folder / "1.jpg").write_bytes(content.getvalue())
    seen = read_video(folder, Frames(size=20, rate=5)).frames[0, :, :, 0] > 128
    assert (seen.any(axis=1).sum(), seen.any(axis=0).sum()) == (20, 10)
