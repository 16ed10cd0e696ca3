"""The examples of layers/README.md run as they stand."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "layers/README.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_example(number: int) -> None:
    exec(compile(EXAMPLES[number], f"{README.name}, example {number + 1}", "exec"), {"__name__": "example"})
