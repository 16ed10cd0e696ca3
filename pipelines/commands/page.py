"""python -m pipelines page: write the page of a bundle, which runs in the browser."""

from __future__ import annotations

import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from ..app import SHIPPED, app_names, find, folder_of
from ..ondevice.bundle import Bundle
from ..page.build import require_free, write_page
from ..page.serve import HOST, server_of
from .train import EXPORTS


@dataclass(frozen=True)
class Page:
    """Write a page that runs a bundle in the browser, also without a network."""

    bundle: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="BUNDLE")]
    """The folder of the bundle, or an app: its newest bundle in exports/, or else the shipped one."""
    output: Path
    """The folder to write. It must be missing, empty or an older page."""
    serve: bool = False
    """Serve the page on this machine until Ctrl-C."""
    port: int = 8000
    """The port to serve on."""
    open: bool = False
    """Open the browser, too."""


def run(command: Page) -> None:
    """Write the page and, if asked to, serve it.

    Raises:
        UserError: there is no such bundle, its app has no page, or the folder can't be written.
    """
    require_free(command.output)
    bundle = Bundle.open(_folder(command.bundle))
    write_page(find(bundle.manifest["app"]).of_bundle(bundle), bundle, command.output)
    print(f"{command.output}: the page of {bundle.folder}")
    if command.serve or command.open:
        _serve(command)


def _folder(given: Path) -> Path:
    """Return the folder that is meant; the name of an app stands for its newest bundle."""
    name = str(given).replace("-", "_")
    if given.exists() or name not in app_names():
        return given
    newest = EXPORTS / name / "latest"
    return newest if newest.exists() else folder_of(name) / SHIPPED


def _serve(command: Page) -> None:
    with server_of(command.output, command.port) as server:
        address = f"http://{HOST}:{server.server_port}/"
        print(f"{address} (Ctrl-C stops)", flush=True)
        if command.open:
            webbrowser.open(address)
        server.serve_forever()
