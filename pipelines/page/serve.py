"""Serve a page to the browsers of this machine."""

from __future__ import annotations

import http.server
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

from ..errors import UserError

HOST = "127.0.0.1"
"""Browsers give the microphone to pages of this address, and to pages of other machines only by https."""


_TYPES = {
    ".js": "text/javascript",
    ".json": "application/json",
    ".tflite": "application/octet-stream",
    ".wasm": "application/wasm",
}
"""The types of the system may be others, and browsers refuse modules and wasm of a wrong type."""


class _Handler(http.server.SimpleHTTPRequestHandler):
    def guess_type(self, path: str | PathLike[str]) -> str:
        """Return the type of a file."""
        return _TYPES.get(Path(path).suffix) or super().guess_type(path)

    def end_headers(self) -> None:
        """Add that nothing is kept: a page that was built anew is shown at once."""
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""


def server_of(folder: Path, port: int = 0) -> http.server.ThreadingHTTPServer:
    """Return a server of a folder, which isn't running yet; port 0 takes a free one.

    Raises:
        UserError: the port is taken.
    """
    try:
        return http.server.ThreadingHTTPServer((HOST, port), partial(_Handler, directory=str(folder)))
    except OSError as error:
        raise UserError(f"--port {port}: expected a free port: {error.strerror}") from None
