"""A PostgreSQL server of the distribution's package, on a socket in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VERSIONS = Path("/usr/lib/postgresql")
"""Where Debian keeps the programs of each version."""
_PATIENCE = 300
"""Seconds to wait for the server; it takes one where nothing else runs."""


def programs() -> Path | None:
    """Return the folder with initdb and pg_ctl, of the newest version; None if there is none."""
    found = sorted(VERSIONS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    here = shutil.which("initdb")
    return Path(here).parent if here else None


class Server:
    """A server that can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        bin_folder = programs()
        assert bin_folder is not None
        self.folder, self._bin = folder, bin_folder
        self.url = f"postgresql:///postgres?host={folder}&user=sweeper"
        self._run("initdb", "--auth=trust", "--username=sweeper", "--no-sync", "-D", self._data)

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def start(self) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' -c fsync=off"
        log = str(self.folder / "log")
        self._run(
            "pg_ctl", "start", "--wait", f"--timeout={_PATIENCE}", "-D", self._data, "-o", options, "-l", log
        )

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "--wait", f"--timeout={_PATIENCE}", "--mode=immediate", "-D", self._data)

    def _run(self, program: str, *arguments: str) -> None:
        """Run a program, not as root: PostgreSQL refuses that."""
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres")
            user: dict = {"user": "postgres", "group": "postgres", "extra_groups": []}
        else:
            user = {}
        command = [str(self._bin / program), *arguments]
        subprocess.run(
            command, check=True, cwd=self.folder, stdout=subprocess.DEVNULL, timeout=_PATIENCE + 10, **user
        )


@contextmanager
def postgresql(folder: Path) -> Iterator[Server]:
    """Run a server as long as the context lasts; the path of `folder` is short, as sockets need it."""
    server = Server(folder)
    server.start()
    try:
        yield server
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            server.stop()
