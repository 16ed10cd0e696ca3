"""What is written: short texts of the project's own words, with names, numbers, signs, codes and capitals."""

from __future__ import annotations

import numpy as np

from .stroke_font import CHARACTERS

SHORTEST, LONGEST = 4, 24  # characters of a text

_LISTS = """\
name: Ada Aron Bela Boris Cora Cyril Dina David Emma Elias Fay Felix Greta Gus Hanna Hugo Ida Ivan Jana
    Jonas Kira Karl Lea Leo Mona Max Nina Noah Olga Otto Paula Piet Quinn Queenie Rosa Rolf Sina Sven
    Tilda Tom Uma Urs Vera Viktor Wanda Will Xenia Xaver Yara Yuri Zoe Zack
place: Athens Bern Cairo Delft Essen Fez Genoa Hague Izmir Jena Kyoto Lima Metz Nice Oslo Prague Quito
    Riga Sofia Turin Ulm Vaduz Warsaw Xanten York Zagreb
thing: apple axe ball basket bell bike book box bread bridge bucket candle carpet chair cheese circle
    clock cloud coat coffee comb crown cup desk door dress drum egg engine envelope fence field fiddle
    fig fish flag flute forest fox garden ghost glass glove guitar hammer hat hedge hill horse house ink
    island jacket jam jar jewel jigsaw juice jug kettle key kite kiwi knob ladder lake lamp leg lemon
    letter lock map mask maze melon milk mirror moon mug nail needle nest net oven owl otter page paint
    paper parcel pear pencil piano pillow plum pocket pond puzzle quail quartz queue quilt quill rabbit
    radio rain ring river road rope sail salt ship shirt shoe silk snow sock soup spoon squid stamp
    star stone sugar table tax taxi tea tent tiger toast tower train tree truck tulip vase velvet vest
    village violin voice wagon wall watch wax wheel whistle window wool wood xylophone yacht yard year
    yogurt zebra zero zinc zipper zoo
kind: big black blue brave bright brown calm clean cold cosy dark deep dizzy dry dusty early easy empty
    equal exact extra fine fixed flat free fresh full funny fuzzy glad gold good green grey happy hazy
    heavy high huge jolly juicy just kind large late lazy light long loud low lucky mixed narrow new
    nice odd old pink plain proud quick quiet rare red rich rough round royal sharp short shy silver
    slow small smooth soft square strong sweet tall thick thin tidy tiny vast warm weak wet white wide
    wild young yellow
do: ask beg bring buy call carry catch check choose climb close cook count cut dance draw drive drop eat
    enjoy fetch fill find fix follow forget give grow help hide hold jump keep kick know lend lift like
    look lose love make meet mix move need offer open paint pay play pull push put quote read relax ride
    ring save see sell send share show sing sit skip sleep solve speak start stay stop swim take talk
    tax thank think throw touch travel try turn use visit wait walk want wash watch win wish work write
    yawn zoom
how: again ahead away back below daily early even ever here just later maybe never next now often once
    only quite soon there today twice very well yet
be: I'm it's you're he's she's we're that's isn't
can: don't can't let's he'd she'll we'll won't they'd
ask: who what when where why how which
mon: Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec
"""
_WORDS = {
    each.partition(":")[0].strip(): each.partition(":")[2].split()
    for each in _LISTS.replace("\n    ", " ").splitlines()
}
_PLURALS = {"does": "do", "things": "thing"}
_FRAMES = (
    "{Name} {does} the {thing}",
    "{Name} and {Name}",
    "{Name}'s {kind} {thing}",
    "the {kind} {thing}",
    "my {kind}, {kind} {thing}",
    "{kind} {thing}, {kind} {thing}",
    "{number} {kind} {things}",
    "{number} {things} for {Name}",
    "{do} the {thing} {how}",
    "{be} {kind} {how}",
    "{be} my {kind} {thing}",
    "{Can} {do} {how}!",
    "{can} {do} it",
    "{ask} is {Name}?",
    "{Ask} do I {do}?",
    "{Do} it {how}!",
    "{Do} {how}, {Name}.",
    "{thing} {thing} {thing}",
    "{do} {thing} {how}",
    "{kind} {how} {do}",
    "{Name} {how} {does}",
    "from {Place} to {Place}",
    "{Place}, {day} {Mon}",
    "{day} {Mon} {year}",
    "{Name}, {day}.{month}.",
    "at {hour}.{minute} in {Place}",
    "{number} - {number}, {number}",
    "pay {number}.{minute} {how}",
    "{code}-{number}",
    "room {code} {number}",
    "{code}, {code} or {code}?",
    "{kind} {thing}",
    "{do} {how}",
    "{Things}",
    "{thing}",
    "{Name} {how}",
    "{number} {things}",
    "{THING}!",
    "{KIND} {THING}",
    "NO {THINGS}, {Name}!",
    "{Thing}-{thing}",
    "yes, {Name}, {how}",
    "{How}? {Ask} not?",
)


def phrases(count: int, seed: int, longest: int = LONGEST) -> list[str]:
    """Return different texts of 4 to `longest` characters.

    Args:
        count: how many.
        seed: the same seed gives the same texts, and a smaller count the first of them.
        longest: at most 24 characters.
    """
    rng = np.random.default_rng([2015, seed])
    found: dict[str, None] = {}
    while len(found) < count:
        text = _phrase(rng)
        if SHORTEST <= len(text) <= longest and set(text) <= set(CHARACTERS):
            found[text] = None
    return list(found)


def _phrase(rng: np.random.Generator) -> str:
    """Return the frame of a random number with its places filled, each by a draw of its own."""
    pieces = _FRAMES[rng.integers(len(_FRAMES))].split("{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        kind, _, after = piece.partition("}")
        filled += [_filler(kind, rng), after]
    return "".join(filled)


def _filler(kind: str, rng: np.random.Generator) -> str:
    """Return a random word or number of a kind; the kind is written as its words shall be: do, Do, DO."""
    if kind == "number":
        return str(int(10 ** rng.uniform(0.3, 4)))
    if kind == "code":
        return "".join(chr(letter) for letter in rng.integers(ord("A"), ord("Z") + 1, rng.integers(1, 4)))
    numbers = {"day": (1, 32), "month": (1, 13), "year": (1900, 2100), "hour": (1, 25), "minute": (10, 60)}
    if kind in numbers:
        return str(rng.integers(*numbers[kind]))
    name = _PLURALS.get(kind.lower(), kind.lower())
    words = _WORDS[name]
    word = words[rng.integers(len(words))]
    word = word if name == kind.lower() else _with_s(word)
    return word.upper() if kind.isupper() else word[0].upper() + word[1:] if kind[0].isupper() else word


def _with_s(word: str) -> str:
    """Return the plural of a noun, or the third person of a verb."""
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return f"{word}es"
    return f"{word[:-1]}ies" if word.endswith("y") and word[-2] not in "aeiou" else f"{word}s"
