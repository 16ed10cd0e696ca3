"""Calibration files: arrays come back as they are, and anything else is refused in one line."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from pipelines.data.array_files import read_arrays
from pipelines.errors import UserError

X = np.random.default_rng(0).normal(size=[6, 5, 3]).astype(np.float32)
DTYPES = st.sampled_from(
    [np.float32, np.float64, np.int8, np.int64, np.bool_, np.dtype(">i4"), np.dtype("U3"), np.dtype("S2")]
)


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz(**named: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **named)
    return file.getvalue()


def lying(shape: str) -> bytes:
    """Return an .npy file whose header declares another shape than it holds."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(48)


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("calibration") / "inputs"


@settings(max_examples=40, deadline=None)
@given(arrays(DTYPES, array_shapes(min_dims=1, max_dims=4, min_side=0)), st.booleans())
def test_arrays_come_back_as_numpy_saved_them(file: Path, array: np.ndarray, transposed: bool) -> None:
    array = np.asfortranarray(array) if transposed else array
    file.write_bytes(npy(array))
    alone = read_arrays(file)
    file.write_bytes(npz(x=array, y=X))
    named = read_arrays(file)
    assert named.keys() == {"x", "y"}
    for found in (alone, named["x"]):
        assert (found.dtype, found.shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(found, array)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([npy(X), npz(x=X), npz(x=X, y=X[0])]), st.data())
def test_a_damaged_file_is_read_or_refused_in_one_line(
    file: Path, content: bytes, data: st.DataObject
) -> None:
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    file.write_bytes(bytes(damaged[: data.draw(st.integers(0, len(damaged)))]))
    found, refused = [], ""
    try:
        read = read_arrays(file)
        found = list(read.values()) if isinstance(read, dict) else [read]
    except UserError as error:
        refused = str(error)
    assert all(array.size <= X.size for array in found)
    assert re.fullmatch(rf"({file}: expected an \.npz or \.npy file of arrays.*)?", refused)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lambda: lying("(5000000000,)"), "its header declares 20,000,000,000 bytes, found 48"),
        (lambda: lying("(13,)"), "its header declares 52 bytes, found 48"),
        (lambda: lying("(-1, 4)"), r"expected a shape \(N, \.\.\.\), found \(-1, 4\)"),
        (lambda: lying("()"), r"expected a shape \(N, \.\.\.\), found \(\)"),
        (lambda: npy(np.zeros(3, [("a", "f4")])), "expected numbers or texts, found"),
        (lambda: npy(X)[:-1], "its header declares 360 bytes, found 359"),
        (lambda: npz(x=X)[:-30], ""),
        (lambda: b"", ""),
    ],
)
def test_what_a_header_says_is_checked(tmp_path: Path, content: Callable[[], bytes], said: str) -> None:
    for name, data in (("a.npy", content()), ("a.npz", content())):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UserError, match=rf"{name}: expected an \.npz or \.npy file of arrays: .*{said}"):
            read_arrays(tmp_path / name)


def test_the_header_of_a_member_is_checked_too(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", lying("(5000000000,)"))
    with pytest.raises(UserError, match="its header declares 20,000,000,000 bytes, found 48"):
        read_arrays(tmp_path / "a.npz")


def test_devices_and_folders_are_not_opened(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="arrays, found a device or a pipe"):
        read_arrays(Path("/dev/zero"))
    with pytest.raises(UserError, match=r"arrays: .*Is a directory"):
        read_arrays(tmp_path)
