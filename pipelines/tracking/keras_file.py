"""Write into a .keras file which package its layers come from."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from ..files import write_atomically

_CONFIG = "config.json"
_PACKAGE = "unrolled"
_IN_A_CHECKOUT = ("layers.", "pipelines.", "apps.")


def name_package(file: Path) -> None:
    """Give our layers in the file their full names in the installed package.

    Keras finds a layer by its registered name. If the layer is not known, the error shows this name: without
    the package, nobody could tell what to install.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(file) as before, zipfile.ZipFile(content, "w") as after:
        for entry in before.infolist():
            data = before.read(entry)
            if entry.filename == _CONFIG:
                data = json.dumps(json.loads(data, object_hook=_named)).encode()
            after.writestr(entry, data)
    write_atomically(file, content.getvalue())


def _named(config: dict[str, Any]) -> dict[str, Any]:
    """Return a part of Keras's config, with the full name if it is an object of ours."""
    if not str(config.get("registered_name")).startswith(f"{_PACKAGE}>"):
        return config
    module = str(config["module"])
    if module.startswith(_IN_A_CHECKOUT):
        module = f"{_PACKAGE}.{module}"
    return config | {"module": module, "class_name": f"{module}.{config['class_name']}"}
