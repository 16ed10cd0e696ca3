"""Bibles are read whole, and without the package the user is told what to install."""

from __future__ import annotations

import importlib.util

import pytest

from pipelines.data.bible import verses
from pipelines.errors import UserError


def test_every_verse_is_there_without_marks_of_chapters() -> None:
    found = verses("kjv", "text")
    assert len(found) == 31_102
    assert found[1001001] == "In the beginning God created the heaven and the earth."
    assert found[43011035] == "Jesus wept."
    assert found[66022021] == "The grace of our Lord Jesus Christ [be] with you all. Amen."
    text = "\n".join(found[number] for number in sorted(found))
    assert len(text) == 4_181_638
    assert len(set(text)) == 68
    assert "\\" not in text


def test_the_version_in_basic_english_is_right_to_its_end() -> None:
    found = verses("bbe", "translation")
    assert len(found) == 31_172
    assert found[1001001] == "At the first God made the heaven and the earth."
    assert found[43011035] == "And Jesus himself was weeping."
    assert found[66022021] == "The grace of the Lord Jesus be with the saints. So be it."
    assert not any("\\" in verse for verse in found.values())


@pytest.mark.parametrize(("version", "extra"), [("kjv", "text"), ("bbe", "translation")])
def test_without_the_package_the_extra_is_named(
    version: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=rf"needs pythonbible-{version}: .*'unrolled\[{extra}\]'"):
        verses(version, extra)
