"""Folders for sockets."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """Give a folder whose path is short enough for a socket in it, and open to the server's user."""
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        yield Path(folder)
