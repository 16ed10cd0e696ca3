"""The command `unrolled`, and its parts `python -m apps` and `python -m pipelines` for a checkout.

Modules that need an installed library are imported when their verb is called. So --help and --version work
with only numpy and ai-edge-litert.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version

from .. import app as contract
from ..errors import UserError
from .command_line import guarded, missing_library, parse
from .verbs import APP_VERBS, VERBS, load

_SHELLS = ("bash", "zsh", "tcsh", "fish")
_COMPLETION = ("--tyro-print-completion", "--tyro-write-completion")


def main() -> int:
    """Run the command `unrolled`, and return its exit code."""
    return guarded(lambda: _unrolled(sys.argv[1:]))


def run_apps(argv: Sequence[str]) -> int:
    """Run `python -m apps ...`, and return the exit code."""
    return guarded(lambda: _apps(list(argv), "python -m apps"))


def run_pipelines(argv: Sequence[str]) -> int:
    """Run `python -m pipelines ...`, and return the exit code."""
    return guarded(lambda: _pipelines(list(argv), "python -m pipelines"))


def _unrolled(argv: list[str]) -> None:
    if _asks_for_help(argv):
        print(_overview())
    elif argv[0] == "--version":
        print(f"unrolled {version('unrolled')}")
    elif argv[0] in _COMPLETION:
        _complete(argv)
    elif argv[0] in VERBS:
        _pipelines(argv, "unrolled")
    elif argv[0] in contract.app_names() or not argv[0].startswith("-"):
        _apps(argv, "unrolled")
    else:
        raise UserError(f"unknown option {argv[0]}: expected a verb or an app, --help, --version")


def _pipelines(argv: list[str], prog: str) -> None:
    if _asks_for_help(argv):
        print(f"usage: {prog} VERB [options]\n\nverbs:\n{_lines(VERBS)}")
        return
    verb = argv[0]
    if verb not in VERBS:
        raise UserError(f"unknown verb {verb!r}: expected {', '.join(VERBS)}")
    module, options = load(verb)
    module.run(parse(options, f"{prog} {verb}", argv[1:]))


def _apps(argv: list[str], prog: str) -> None:
    if _asks_for_help(argv):
        verbs = ", ".join(APP_VERBS)
        print(f"usage: {prog} APP VERB [options]\n\napps:\n{_lines(_summaries())}\n")
        print(f"verbs:  {verbs}  ({prog} APP VERB --help shows more)")
        return
    app = contract.find(argv[0])
    if _asks_for_help(argv[1:]):
        print(f"{app.summary}\n\nusage: {prog} {app.name} VERB [options]\n\nverbs:\n{_lines(APP_VERBS)}\n")
        print(f"presets of train:  {', '.join(app.presets)}")
        return
    if argv[1] not in APP_VERBS:
        raise UserError(f"unknown verb {argv[1]!r}: expected one of {', '.join(APP_VERBS)}")
    from . import app as verbs_of_apps

    verbs_of_apps.run(argv[1], app, argv[2:], f"{prog} {app.name} {argv[1]}")


def _asks_for_help(argv: list[str]) -> bool:
    return not argv or argv[0] in ("-h", "--help")


_OVERVIEW = """\
usage: unrolled VERB [options]
       unrolled APP VERB [options]

verbs:
{verbs}

apps:
{apps}

verbs of an app:
{app_verbs}

options:
  --help              Show this help, or after a verb the verb's options.
  --version           Show the version.
  --tyro-write-completion SHELL FILE
                      Write a completion script for SHELL: bash, zsh, tcsh, fish.
                      For bash, add `source FILE` to ~/.bashrc."""


def _overview() -> str:
    return _OVERVIEW.format(verbs=_lines(VERBS), apps=_lines(_summaries()), app_verbs=_lines(APP_VERBS))


def _lines(table: dict[str, str]) -> str:
    return "\n".join(f"  {name:<20}{summary}" for name, summary in table.items())


def _summaries() -> dict[str, str]:
    """Return the summary of each app, or which extra must be installed for it."""
    summaries = {}
    for name in contract.app_names():
        try:
            summaries[name] = contract.find(name).summary
        except ModuleNotFoundError as error:
            summaries[name] = f"({missing_library(error)})"
    return summaries


def _complete(argv: list[str]) -> None:
    from .completion import write_completion

    if len(argv) < 2 or argv[1] not in _SHELLS:
        raise UserError(f"{argv[0]}: expected one of {', '.join(_SHELLS)}")
    write_completion(argv)
