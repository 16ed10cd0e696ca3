"""Code for readers imports the project as it is called where it is installed; here it is a checkout."""

import importlib
import sys
from types import ModuleType
from typing import Any

import pytest

from pipelines.unrolled import _HOMES

_MODULES = {"ondevice": "pipelines.ondevice"}
_MODULES |= {name: name for name in ("pipelines.export.micro.write", "layers")}


def as_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let code import `unrolled`, and the modules in it that texts name, until the end of the test."""
    top = ModuleType("unrolled")
    top.__getattr__ = _function  # type: ignore[method-assign]
    monkeypatch.setitem(sys.modules, "unrolled", top)
    for name, real in _MODULES.items():
        monkeypatch.setitem(sys.modules, f"unrolled.{name}", _Alias(real))


def _function(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"pipelines.export.{_HOMES[name]}"), name)


class _Alias(ModuleType):
    """Stands for a module, which is imported when something in it is first used."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self.__name__), name)
