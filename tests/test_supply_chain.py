"""Every locked package has hashes and a stated licence; the audit says what it could not look up."""

import importlib.util
import re
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
LOCK = (ROOT / "requirements.lock").read_text()
PACKAGES = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", LOCK, re.MULTILINE))


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_locked_package_has_hashes() -> None:
    entries = re.split(r"\n(?=\S)", LOCK.strip())
    assert len(entries) > 100
    assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []


def test_each_locked_package_that_is_installed_stands_in_the_table_of_licences() -> None:
    text = (ROOT / "LICENCES.md").read_text()
    rows = re.findall(r"^\| ([a-z0-9-]+) \| (\S+) \| (.+) \| (.+) \|$", text, re.MULTILINE)
    table = {name: version for name, version, _, _ in rows}
    installed = {name for name in PACKAGES if is_installed(name)}
    assert len(installed) > 100
    assert installed - table.keys() == set()
    assert {name for name in installed if metadata.version(name) != table[name]} == set()
    assert [name for name, _, licence, _ in rows if licence == "UNKNOWN"] == []


def is_installed(name: str) -> bool:
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


FOUND = {"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
SOUND = {"name": "b", "version": "1", "vulns": []}
SKIPPED = {"name": "c", "skip_reason": "not on the index"}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([SOUND], 0, "1 of 1 packages audited, 0 known faults"),
        ([SOUND, FOUND], 1, "a 1: PYSEC-1, fixed in 2"),
        ([SOUND, SKIPPED], 0, "c: not audited: not on the index"),
        ([SKIPPED], 3, "error: nothing was audited"),
    ],
)
def test_audit_says_what_is_faulty_and_what_it_could_not_look_up(
    packages: list[dict], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script("audit").report(packages) == code
    printed = capsys.readouterr()
    assert said in printed.out + printed.err
