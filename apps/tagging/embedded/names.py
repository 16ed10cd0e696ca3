"""Names that occur as a person, a place or a firm, so that only the context tells which."""

from __future__ import annotations

import random

_FIRST = """\
Anna Ben Clara David Emma Felix Grace Henry Iris Jonas Karim Laura Martin Nadia Oscar Paula Quentin
Rosa Samuel Tessa Umar Vera Walter Xenia Yusuf Zoe Adrian Bella Conrad Dana Elias Fatima Georg Hanna
Igor Julia Kofi Lena Milan Nora Olaf Petra Rahul Sofia Tomas Ulla Victor Wanda Yara Zeno Amir Beate
Carlos Doris Erik Flora Gustav Helga Ivan Jasmin Klaus Linda Mario Nina Otto Pia Ruben Selma Theo
Ursula Viola Willem"""
FIRST = _FIRST.split()
_WORDS = """\
Will May Mark Grant Rose Bill June April Hunter Reading Bath Nice Target Orange Shell Summer"""
WORDS = _WORDS.split()
"""Names that are ordinary words, too."""
COMPANY = ("Ltd", "Inc", "Group", "Bank", "Motors", "Airways", "Foods", "Energy", "Press", "Systems")
INSTITUTE = ("University", "Museum", "Hospital", "Council", "Institute", "Orchestra")
PLACE = ("Street", "Bridge", "Valley", "Island", "Bay", "Square", "County")
TITLES = ("Mr", "Mrs", "Ms", "Dr", "President", "Professor", "Judge", "Captain")
_STARTS = "B Br C Ch D Dr F G Gr H K Kr L M N P R S St T Tr V W Br Cl Fl"
_VOWELS = "a e i o u ea o a e"
_MIDDLES = "ll rn nd lt rv mb ss v l r st nt lm d rk"
_ENDS = "en on er ley ton ford well ung a o ow ard is by field mann"


def stems(seed: int, count: int) -> list[str]:
    """Return names made of syllables, each once."""
    rng = random.Random(seed)
    lists = [each.split() for each in (_STARTS, _VOWELS, _MIDDLES, _ENDS)]
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(rng.choice(each) for each in lists)] = None
    return list(found)
