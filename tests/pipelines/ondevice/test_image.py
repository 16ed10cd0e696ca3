"""Every kind of image file, broken ones too."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reference.images import GREY, RED, WHITE, noise, written

from pipelines.errors import UserError
from pipelines.ondevice import image as images
from pipelines.ondevice.image import read_image


def quadrants(mode: str = "RGB", side: int = 64) -> Image.Image:
    """Return a picture with a red quarter at the top left, the rest white."""
    image = Image.new("RGB", (side, side), WHITE)
    image.paste(RED, (0, 0, side // 2, side // 2))
    return image.convert(mode)


def near(pixel: np.ndarray, colour: tuple[int, int, int], tolerance: int = 12) -> bool:
    return bool(np.abs(pixel.astype(int) - colour).max() <= tolerance)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.gif", "a.webp", "a.bmp", "a.tiff"])
def test_formats_give_the_same_picture(tmp_path: Path, name: str) -> None:
    pixels = read_image(written(tmp_path / name, quadrants()), 32)
    assert pixels.shape == (32, 32, 3)
    assert pixels.dtype == np.uint8
    assert near(pixels[4, 4], RED)
    assert near(pixels[4, 28], WHITE)
    assert near(pixels[28, 4], WHITE)


def test_greyscale_cmyk_sixteen_bits_and_palettes(tmp_path: Path) -> None:
    ramp = np.linspace(0, 255, 64).astype(np.uint8)[None].repeat(64, axis=0)
    grey = read_image(written(tmp_path / "grey.png", Image.fromarray(ramp)), 64)
    assert np.array_equal(grey, ramp[..., None].repeat(3, axis=2))
    deep = Image.fromarray(ramp.astype(np.uint16) * 257)
    assert np.array_equal(read_image(written(tmp_path / "deep.png", deep), 64), grey)
    assert near(read_image(written(tmp_path / "cmyk.jpg", quadrants("CMYK")), 32)[4, 4], RED)
    assert near(read_image(written(tmp_path / "palette.png", quadrants("P")), 32)[4, 4], RED, 50)
    bits = read_image(written(tmp_path / "bits.png", Image.fromarray(ramp > 127)), 64)
    assert set(np.unique(bits)) == {0, 255}


def test_transparent_parts_are_white(tmp_path: Path) -> None:
    image = quadrants("RGBA")
    image.paste((0, 0, 0, 0), (32, 32, 64, 64))
    pixels = read_image(written(tmp_path / "alpha.png", image), 64)
    assert near(pixels[50, 50], WHITE, 0)
    assert near(pixels[10, 10], RED, 0)
    half = Image.new("LA", (8, 8), (0, 128))
    assert near(read_image(written(tmp_path / "half.png", half), 16)[8, 8], (127, 127, 127), 1)


def test_exif_rotation_is_undone(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    lying = quadrants().transpose(Image.Transpose.ROTATE_90)
    pixels = read_image(written(tmp_path / "turned.jpg", lying, exif=exif, quality=95), 32)
    assert near(pixels[4, 4], RED)
    assert near(pixels[28, 4], WHITE)


def test_what_is_not_square_is_padded_and_keeps_its_edges(tmp_path: Path) -> None:
    wide = Image.new("RGB", (80, 40), WHITE)
    wide.paste(RED, (0, 0, 20, 40))
    pixels = read_image(written(tmp_path / "wide.png", wide), 32)
    assert near(pixels[3, 16], GREY, 0)
    assert near(pixels[28, 16], GREY, 0)
    assert near(pixels[16, 1], RED)
    assert near(pixels[16, 31], WHITE)
    thin = read_image(written(tmp_path / "thin.png", Image.new("RGB", (2000, 1), RED)), 32)
    assert (thin == RED).all(axis=2).sum() == 32


def test_extreme_sizes_and_several_frames(tmp_path: Path) -> None:
    assert (read_image(written(tmp_path / "dot.png", Image.new("RGB", (1, 1), RED)), 24) == RED).all()
    large = written(tmp_path / "large.jpg", quadrants().resize((8000, 6000), Image.Resampling.NEAREST))
    pixels = read_image(large, 32)
    assert near(pixels[6, 6], RED)
    assert near(pixels[1, 16], GREY)
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, WHITE)]
    animated = written(tmp_path / "moves.gif", frames[0], save_all=True, append_images=frames[1:])
    assert near(read_image(animated, 16)[8, 8], RED)


def png_of_size(width: int, height: int) -> bytes:
    """Return a small PNG that says it is that large."""
    buffer = io.BytesIO()
    Image.new("L", (1, 1)).save(buffer, "PNG")
    data = buffer.getvalue()
    header = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + data[24:29]
    return data[:12] + header + zlib.crc32(header).to_bytes(4, "big") + data[33:]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (png_of_size(10_000, 9_000), r"bomb.png: expected at most 80,000,000 pixels, found 10,000 x 9,000"),
        (png_of_size(60_000, 60_000), r"bomb.png: expected at most 80,000,000 pixels, found far more"),
        (b"no picture at all", r"bomb.png: not an image in a format that is read: JPEG,"),
        (b"", r"bomb.png: not an image"),
        (png_of_size(4, 4)[:-20], r"bomb.png: can't be read as an image: "),
    ],
    ids=["large", "huge", "text", "empty", "cut"],
)
def test_what_is_no_picture_or_too_large_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(data)
    with pytest.raises(UserError, match=message) as caught:
        read_image(path, 32)
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"^from memory: "):
        read_image(data, 32, "from memory")


def test_a_truncated_jpeg_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "cut.jpg", noise(0, (200, 200)))
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(UserError, match=r"cut.jpg: can't be read as an image: .*truncated"):
        read_image(path, 32)
    with pytest.raises(UserError, match=r"absent.jpg: can't be read as an image: No such file"):
        read_image(tmp_path / "absent.jpg", 32)


def test_the_limit_on_pixels_is_above_a_large_photograph() -> None:
    assert images.MAX_PIXELS > 8_000 * 6_000


@pytest.mark.parametrize("kind", ["EPS", "PDF", "PCX", "ICO"])
def test_no_other_format_is_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.png"
    quadrants().save(path, format=kind)
    with pytest.raises(UserError, match=r"a\.png: not an image in a format that is read"):
        read_image(path, 32)


def test_a_device_is_not_opened() -> None:
    with pytest.raises(UserError, match="/dev/zero: expected an image, found a folder, a device or a pipe"):
        read_image(Path("/dev/zero"), 32)
