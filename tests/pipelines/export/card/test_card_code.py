"""The code in the cards of the shipped networks runs, and the C that it writes holds the network.

The commands of the cards are tested in tests/docs.
"""

from __future__ import annotations

import shutil
import subprocess
import zlib
from pathlib import Path

import pytest
from reference.blocks import ROOT, Block, blocks
from reference.installed import as_installed

from pipelines.errors import ExportError

CARDS = sorted(ROOT.glob("apps/*/shipped/README.md"))
MAIN = """
#include <stdio.h>
#include "NAME.h"
int main(void) {
  uint32_t crc = 0xffffffffu;
  for (size_t i = 0; i < NAME_model_length; ++i) {
    crc ^= NAME_model[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1u) ? 0xedb88320u : 0u);
  }
  printf("%lu %lu", (unsigned long)NAME_model_length, (unsigned long)(crc ^ 0xffffffffu));
  return 0;
}
"""


@pytest.mark.parametrize("card", CARDS, ids=[path.parent.parent.name for path in CARDS])
def test_the_code_of_a_card_runs(card: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(card.parent, tmp_path / "bundle")
    monkeypatch.chdir(tmp_path / "bundle")
    as_installed(monkeypatch)
    whole, *micro = [block for block in blocks(card) if block.language == "python"]
    names: dict[str, object] = {"__name__": "example"}
    exec(compile(whole.code, whole.place, "exec"), names)
    assert names["answers"]
    for block in micro:
        assert "write_micro" in block.code
        if refusal := refusal_of(block):  # the card says that this may be so
            assert "TFLite Micro" in refusal
        else:
            name = card.parent.parent.name
            assert_it_is_compiled(tmp_path / "bundle/micro" / name, name)


def refusal_of(block: Block) -> str:
    """Run a block, and return the message of the error that ends it; "" if none does."""
    try:
        exec(compile(block.code, block.place, "exec"), {"__name__": "example"})
    except ExportError as error:
        return str(error)
    return ""


def assert_it_is_compiled(folder: Path, name: str) -> None:
    """Compile the C source, and compare the bytes that the program holds with the file beside it."""
    if (compiler := shutil.which("cc")) is None:
        return
    main, program = folder / "main.c", folder / "program"
    main.write_text(MAIN.replace("NAME", name))
    command = [compiler, "-std=c11", "-Wall", "-Wextra", "-Werror", str(main), str(folder / f"{name}.c")]
    subprocess.run([*command, "-o", str(program)], check=True, timeout=120)
    printed = subprocess.run([program], check=True, capture_output=True, text=True, timeout=20).stdout
    content = (folder / f"{name}.tflite").read_bytes()
    assert printed == f"{len(content)} {zlib.crc32(content)}"


def test_some_card_has_code_for_a_microcontroller() -> None:
    assert any("write_micro" in card.read_text() for card in CARDS)
