"""The frames of compositional_reviews: sentences with slots, and the rule for the label of each.

A verdict is the writer's final opinion of the reviewed thing. `x` and `y` are judging words of opposite
sign. The verdict "x" means that the label is the sign of x, "-x" that it is the opposite; any other verdict
is the label itself. A mirror is a second sentence with exactly the same words and the opposite verdict.

Slots, in braces (see grammar.py for how they are filled):
  it, other        the reviewed thing ("this thriller"), and the thing that it is compared with
  a, b             two aspects of it; a:bare and b:bare without "the"
  x, y, x2, y2     judging words; `good` and `bad` if only one sign makes sense; with a form after a colon
  be, not          is/was and is not/wasn't, agreeing with a or b if one is named
  friend cond fact fact2 kind very fairly absolutely     fragments and degree words
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Frame:
    """One sentence pattern. `split` is the only split that uses it, or `shared` if all do."""

    phenomenon: str
    split: str
    verdict: str
    template: str
    mirror: str | None = None


SIDES = "it and other change places"
"""Marks rows of the table whose mirror is the same sentence with `it` and `other` exchanged."""


def _frames(phenomenon: str, **by_split: list[tuple[str, ...]]) -> list[Frame]:
    return [_frame(phenomenon, split, row) for split, rows in by_split.items() for row in rows]


def _frame(phenomenon: str, split: str, row: tuple[str, ...]) -> Frame:
    """Return the frame of a row: verdict, template and perhaps a mirror."""
    verdict, template, *more = row
    mirror = more[0] if more else None
    if mirror == SIDES:
        sides = {"{it}": "{other}", "{other}": "{it}"}
        mirror = re.sub("{it}|{other}", lambda side: sides[side[0]], template)
    return Frame(phenomenon, split, verdict, template, mirror)


# In shared frames, validation and test use adjectives that train does not (see sampling.allowed_words).
FRAMES: tuple[Frame, ...] = (
    *_frames(
        "plain",
        shared=[
            ("x", "{it} {be} {x}"),
            ("x", "I {x:liked} {it}"),
            ("x", "{it} {x:acted}"),
            ("x", "{it} {be} {x:noun}"),
            ("x", "{a} {be:a} {x} and {b} {be:b} {x2}"),
            ("x", "{it} {be} {x:mild} and {x2:mild}"),
            ("x", "I found {a} {x}"),
            ("x", "{a} {x:acted}"),
            ("x", "{a} {be:a} {x:noun}"),
            ("x", "what {x:noun} {it} {be}"),
            ("x", "{it} {be} {x}, and so {be:a} {a}"),
            ("neutral", "{it} {fact}"),
            ("neutral", "{it} {fact} and {fact2}"),
            ("neutral", "I can only say that {it} {fact}"),
            ("neutral", "{it} {be} average, no more and no less"),
            ("neutral", "{a} {be:a} ordinary and {it} {be} average"),
            ("neutral", "I have no strong opinion on {it}"),
        ],
        validation=[
            ("x", "I must say that {a} {be:a} {x}"),
            ("neutral", "all I know is that {it} {fact}"),
        ],
        test=[
            ("x", "both {a} and {b} were {x}"),
            ("x", "{it} {be} {x:noun} and {a} {be:a} {x2}"),
            ("x", "{x} {a:bare}, {x2} {b:bare}: I {x:liked} {it}"),
            ("neutral", "{it}, which {fact}, {be} average"),
            ("neutral", "I have no opinion on {a} and can only say that {it} {fact}"),
        ],
    ),
    *_frames(
        "intensity",
        shared=[
            ("x", "{it} {be} {very} {x:mild}"),
            ("x", "{a} {be:a} {fairly} {x:mild}"),
            ("x", "{it} {be} {absolutely} {x:strong}"),
            ("x", "I really {x:liked} {it}"),
            ("x", "{it} {be} too {x:mild} to forget"),
            ("-x", "{it} {be} nowhere near as {x:mild} as I had {x:wish}"),
            ("x", "{it} {be} every bit as {x:mild} as I had {x:wish}"),
            ("-x", "{a} {be:a} far less {x:more} than I had {x:wish}"),
            ("x", "{a} {be:a} even more {x:more} than I had {x:wish}"),
            ("negative", "{it} {be} a bit {bad:mild}"),
            ("negative", "{a} {be:a} somewhat {bad:mild}"),
            ("neutral", "{it} {be} just as average as I had expected"),
        ],
        validation=[("x", "{it} {be} {x:mild} from beginning to end")],
        test=[
            ("x", "{a} {be:a} {very} {x:mild} and {b} {be:b} {absolutely} {x2:strong}"),
            ("-x", "{it} {not} nearly as {x:mild} as I had {x:wish}"),
            ("x", "{it} {be} {x:mild}, {very} {x:mild}"),
            ("-x", "I found {a} far less {x:more} than I had {x:wish}"),
            ("negative", "{it} {be} more than a bit {bad:mild}"),
            ("neutral", "{a} {be:a} every bit as average as I had expected"),
        ],
    ),
    *_frames(
        "negation",
        shared=[
            ("-x", "{it} {not} {x}"),
            ("-x", "{a} {not:a} {x} at all"),
            ("-x", "{it} {not} {x:noun}"),
            ("-x", "I did not {x:like} {it}"),
            ("-x", "{it} did not {x:act}"),
            ("-x", "{a} did not {x:act} at all"),
            ("x", "{it} did {x:act}, and I had not expected that"),
            ("-x", "{it} never {x:acted}"),
            ("-x", "there {be} nothing {x} about {it}"),
            ("-x", "{a} {be:a} far from {x}"),
            ("-x", "{it} {be} anything but {x}"),
            ("x", "{it} {be} nothing but {x:strong}"),
            ("-x", "I do not think {it} {be} {x}"),
            ("-x", "I never thought that {it} {be} {x}"),
            ("-x", "neither {a} nor {b} {be:b} {x}"),
            ("-x", "nobody could call {it} {x}"),
            ("y", "{it} {not} {x}, it {be} {y}"),
            ("y", "{a} {be:a} not {x} but {y}"),
            ("y", "{it} {be} {y}, not {x}"),
            ("x", "{it} {be} not only {x:mild} but also {x2:mild}"),
            ("x", "it is not often that I find {a} this {x:mild}"),
            ("x", "I did not expect to {x:like} {it}, but I did"),
            ("-x", "I expected to {x:like} {it}, but I did not"),
            ("x", "I had not planned to write a review, but {it} {be} {x}"),
            ("x", "you will not find a more {x:more} {kind} than {it}"),
            ("-x", "{it} {be} by no means {x}"),
            ("x", "{it} could not be more {x:more}"),
            ("neutral", "{it} {be} neither {x} nor {y}"),
            ("neutral", "I would not call {it} {x} or {y}"),
            ("neutral", "{a} {not:a} {x} and not {y} either"),
            ("neutral", "there {be} nothing {x} and nothing {y} about {it}"),
        ],
        validation=[
            ("-x", "in no way {be} {it} {x}"),
            ("y", "I would say {y} and not {x} about {it}"),
            ("neutral", "neither {x} nor {y}, {it} {be} average"),
        ],
        test=[
            ("-x", "I never found {a} {x}"),
            ("-x", "I found neither {a} nor {b} {x}"),
            ("-x", "I found nothing {x} about {it}"),
            ("-x", "I would not call {it} {x}"),
            ("y", "not {x} but {y}: that {be} {it}"),
            ("y", "do not call {it} {x}, call it {y}"),
            ("y", "I do not think {it} {be} {x}, I think it {be} {y}"),
            ("x", "I could not find {a} more {x:more}"),
            ("x", "not only {be:a} {a} {x}, {b} {be:b} {x2} as well"),
            ("neutral", "neither {x} nor {y} {be} {it}"),
            ("neutral", "I think that {it} {not} {x}, and {y} it {not} either"),
        ],
    ),
    *_frames(
        "double_negation",
        shared=[
            ("x", "it is not true that {it} {not} {x}"),
            ("-x", "it is true that {it} {not} {x}"),
            ("-x", "it is not true that {it} {be} {x}"),
            ("x", "it is true, not false, that {it} {be} {x}", "it is false, not true, that {it} {be} {x}"),
            ("x", "I can't say that {a} {not:a} {x}"),
            ("-x", "I can only say that {a} {not:a} {x}"),
            ("x", "nobody can claim that {it} {not} {x}"),
            ("-x", "nobody can claim that {it} {be} {x}"),
            ("-x", "everybody can see that {it} {not} {x}"),
            ("x", "it would be wrong to say that {it} {not} {x}"),
            ("-x", "it would be wrong to say that {it} {be} {x}"),
            ("x", "not one thing about {it} {not} {x}"),
            ("-x", "not one thing about {it} {be} {x}"),
            ("x", "I can't say that {it} {not} {x}, but I can say that it {not} {y}"),
            ("positive", "{it} did not fail to {good:act}"),
            ("negative", "{it} failed to {good:act}"),
        ],
        validation=[("x", "I do not believe that {a} {not:a} {x}")],
        test=[
            ("x", "nobody can say that {a} {not:a} {x}"),
            ("-x", "it would be wrong to claim that {a} {be:a} {x}"),
            ("x", "it would be wrong to claim that {a} {not:a} {x}"),
            ("x", "I do not think that {it} {not} {x}"),
            ("x", "everybody can see that it is not true that {it} {not} {x}"),
            ("x", "nobody can claim that {it} {not} {x}, but I can claim that it {not} {y}"),
            ("x", "true, not false: {it} {be} {x}", "false, not true: {it} {be} {x}"),
        ],
    ),
    *_frames(
        "contrast",
        shared=[
            ("y", "{a} {be:a} {x}, but {b} {be:b} {y}"),
            ("y", "{a} {be:a} {x}, but all in all {it} {be} {y}"),
            ("y", "although {a} {be:a} {x}, {b} {be:b} {y}"),
            ("y", "{b} {be:b} {y}, although {a} {be:a} {x}"),
            ("y", "{it} {be} {y}, even though {a} {be:a} {x}"),
            ("y", "even though {a} {be:a} {x}, {it} {be} {y}"),
            ("y", "{a} {be:a} {x}; however, {b} {be:b} {y}"),
            ("y", "while {a} {be:a} {x}, {b} {be:b} {y}"),
            ("y", "despite the {x} {a:bare}, {it} {be} {y}"),
            ("y", "{it} {be} {y} despite the {x} {a:bare}"),
            ("y", "although {a} {be:a} {x}, {it} {be} {y:noun}"),
            ("y", "{a} {x:acted}, yet {b} {y:acted}"),
            ("y", "{a} {be:a} {x}, yet {it} {be} {y}"),
            ("x", "{a} {not:a} {x}, but {b} {be:b}", "{a} {be:a} {x}, but {b} {not:b}"),
            ("x", "although {a} {not:a} {x}, {b} {be:b}", "although {a} {be:a} {x}, {b} {not:b}"),
            ("-x", "{a} {be:a} {x}, but {b} {not:b} {x2}"),
            ("x", "{a} {not:a} {x}, but {b} {be:b} {x2}"),
        ],
        validation=[
            ("y", "granted, {a} {be:a} {x}, but {b} {be:b} {y}"),
            ("y", "{b} {be:b} {y} despite the {x} {a:bare}"),
        ],
        test=[
            ("y", "yes, {a} may be {x}, but {b} {be:b} {y}"),
            ("y", "{a} {be:a} {x} and {b} {be:b} {x2}, but {it} {be} {y}"),
            ("y", "while {a} {be:a} {x}, all in all {it} {be} {y}"),
            ("y", "despite the {x} {a:bare}, I {y:liked} {it}"),
            ("y", "{b} {be:b} {y}, and that despite the {x} {a:bare}"),
            ("x", "although {a} {not:a} {x}, {b} {be:b} {x2}"),
            ("x", "{b} {be:b} {x}, although {a} {not:a}", "{b} {not:b} {x}, although {a} {be:a}"),
            ("-x", "even though {a} {be:a} {x}, {it} {not}", "even though {a} {not:a} {x}, {it} {be}"),
        ],
    ),
    *_frames(
        "comparison",
        shared=[
            ("x", "{it} {be} {x:cmp} than {other}", SIDES),
            ("x", "{it} {be} more {x:more} than {other}", SIDES),
            ("-x", "{it} {be} less {x:more} than {other}", SIDES),
            ("-x", "{it} {not} as {x:mild} as {other}", SIDES),
            ("x", "compared with {other}, {it} {be} {x:cmp}", SIDES),
            ("x", "if you ask me, {it} {be} {x:cmp} than {other}", SIDES),
            ("x", "all in all {it} {be} {x:cmp} than {other}", SIDES),
            ("x", "next to {other}, {it} {be} {x}", SIDES),
            ("positive", "I prefer {it} to {other}", SIDES),
            ("positive", "I would take {it} over {other} any day", SIDES),
            ("positive", "{it} beats {other}", SIDES),
            ("y", "{other} {be} {x}, {it} {be} {y}"),
            ("y", "{it} {be} {y}, {other} {be} {x}"),
            ("neutral", "{it} {be} neither {x:cmp} nor {y:cmp} than {other}"),
            ("neutral", "{it} {be} about as {x:mild} as {other}"),
            ("neutral", "{it} {be} no {x:cmp} and no {y:cmp} than {other}"),
            ("neutral", "it makes no difference to me whether it is {it} or {other}"),
        ],
        validation=[
            ("x", "I think {it} {be} much {x:cmp} than {other}", SIDES),
        ],
        test=[
            ("x", "to me {it} {be} {x:cmp} than {other}", SIDES),
            ("x", "I found {it} more {x:more} than {other}", SIDES),
            ("-x", "compared with {other}, {it} {be} less {x:more}", SIDES),
            ("positive", "any day I would take {it} over {other}", SIDES),
            ("positive", "I can only say that {it} beats {other}", SIDES),
            ("y", "{other} {be} {x:cmp}, {it} {be} {y:cmp}"),
            ("-x", "I do not think {it} {be} as {x:mild} as {other}", SIDES),
            ("neutral", "I found {it} about as {x:mild} as {other}"),
        ],
    ),
    *_frames(
        "conditional",
        shared=[
            ("-x", "{it} would have been {x} if {cond}"),
            ("-x", "if {cond}, {it} would have been {x}"),
            ("-x", "{a} could have been {x} if {cond}"),
            ("-x", "I would have {x:liked} {it} if {cond}"),
            ("x", "even if {cond}, {it} would have been {x}"),
            ("x", "{it} would have been {x} even if {cond}"),
            ("x", "even if {cond}, {a} would have been {x}"),
            ("x", "I would have {x:liked} {it} even if {cond}"),
            ("-x", "if {cond}, I would have {x:liked} {it}"),
            ("y", "{it} would have been {x} if {cond}, but it was {y}"),
            ("y", "{it} was {y}; it would have been {x} if {cond}"),
            ("x", "if {it} {not} {x}, I do not know what is"),
            ("-x", "if {it} {be} {x}, then I am the king of Spain"),
            ("neutral", "if {it} turns out {x}, I will let you know"),
            ("neutral", "whether {it} is {x} or {y} remains to be seen"),
            ("neutral", "ask me again in a year whether {it} is {x}"),
        ],
        validation=[
            ("-x", "{it} might have been {x} if {cond}"),
            ("neutral", "I will let you know if {it} is {x}"),
        ],
        test=[
            ("-x", "if {cond}, {a} would have been {x}"),
            ("-x", "if {cond}, {a} could have been {x}"),
            ("x", "{a} would have been {x} even if {cond}"),
            ("x", "even if {cond}, I would have {x:liked} {it}"),
            ("y", "if {cond}, {it} would have been {x}, but it was {y}"),
            ("y", "{it} was {y}; if {cond}, it would have been {x}"),
            ("x", "if {a} {not:a} {x}, I do not know what is"),
            ("neutral", "whether {it} turns out {x} or {y}, I will let you know"),
        ],
    ),
    *_frames(
        "reported",
        shared=[
            ("y", "{friend} says {it} {be} {x}, but I found it {y}"),
            ("y", "{friend} says {it} {be} {x:noun}, but to me it {be} {y:noun}"),
            ("y", "I found {it} {y}, although {friend} called it {x}"),
            ("y", "according to {friend} {it} {be} {x}, but to me it {be} {y}"),
            ("x", "{friend} did not {x:like} {it}, but I did", "I did not {x:like} {it}, but {friend} did"),
            ("-x", "{friend} {x:liked} {it}, but I did not", "I {x:liked} {it}, but {friend} did not"),
            ("-x", "{friend} thinks {it} {be} {x}, and I disagree"),
            ("x", "{friend} thinks {it} {be} {x}, and I agree"),
            ("x", "{friend} was right to call {it} {x}"),
            ("-x", "{friend} was wrong to call {it} {x}"),
            ("-x", "{friend} was not right to call {it} {x}"),
            ("x", "{friend} was not wrong to call {it} {x}"),
            ("y", "I call {it} {y}, {friend} calls it {x}"),
            ("y", "{friend} calls {it} {x}, I call it {y}"),
            ("y", "I expected {it} to be {x}, but it was {y}"),
            ("-x", "{friend} promised that {it} would be {x}, and it was not"),
            ("x", "{friend} promised that {it} would be {x}, and it was"),
            ("x", "I thought {it} was {x}, {friend} thought it was {y}"),
            ("y", "{friend} thought {it} was {x}, I thought it was {y}"),
            ("x", "unlike {friend}, I {x:liked} {it}"),
            ("-x", "unlike me, {friend} {x:liked} {it}"),
            ("neutral", "{friend} asked me whether {it} {be} {x}"),
            ("neutral", "some say that {it} {be} {x}, others say that it {be} {y}"),
            ("neutral", "{friend} calls {it} {x}, but I have not made up my mind"),
            ("neutral", "{friend} says that {it} {be} {x}; I have no opinion yet"),
        ],
        validation=[
            ("y", "I called {it} {y}, although {friend} had called it {x}"),
            ("neutral", "{friend} thinks {it} {be} {x}, but I can't say yet"),
        ],
        test=[
            ("y", "{friend} called {it} {x}, but to me it {be} {y}"),
            ("y", "although {friend} says that {it} {be} {x}, to me it {be} {y}"),
            ("y", "to me {it} {be} {y}, although according to {friend} it {be} {x}"),
            ("x", "I agree with {friend} that {it} {be} {x}"),
            ("-x", "I do not agree with {friend} that {it} {be} {x}"),
            ("-x", "{friend} was not right to say that {it} {be} {x}"),
            ("x", "{friend} was not wrong to say that {it} {be} {x}"),
            ("x", "I {x:liked} {it}, {friend} did not", "{friend} {x:liked} {it}, I did not"),
            ("neutral", "{friend} thinks that {it} {be} {x}, but I have no opinion yet"),
            ("neutral", "according to {friend} {it} {be} {x}, but others say that it {be} {y}"),
        ],
    ),
    *_frames(
        "mixed",
        shared=[
            ("y", "{it} started out {x} and ended up {y}"),
            ("y", "at first I found {it} {x}, in the end I found it {y}"),
            ("y", "{it} {be} {x} in parts but {y} overall"),
            ("x", "{it} {be} {x} overall but {y} in parts"),
            ("x", "{a} {be:a} {x}, {b} {be:b} {y}, and overall {it} {be} {x2}"),
            ("y", "{a} {be:a} {x}, {b} {be:b} {y}, and overall {it} {be} {y2}"),
            ("x", "the {x} {a:bare} made up for the {y} {b:bare}"),
            ("y", "the {x} {a:bare} could not make up for the {y} {b:bare}"),
            ("y", "the {x} {a:bare} {be:a} outweighed by the {y} {b:bare}"),
            ("neutral", "{a} {be:a} {x} and {b} {be:b} {y}, so it evens out"),
            ("neutral", "half of {it} {be} {x}, the other half {be} {y}"),
            ("neutral", "{a} {be:a} {x} and {b} {be:b} {y}; I can't decide"),
            ("neutral", "one minute {it} is {x}, the next minute it is {y}"),
        ],
        validation=[("y", "I found {it} {x} in parts but {y} overall")],
        test=[
            ("y", "at first {it} {be} {x}, but in the end it {be} {y}"),
            ("y", "{it} started out {x}, but in the end I found it {y}"),
            ("x", "overall {it} {be} {x}, although {a} {be:a} {y} in parts"),
            ("x", "in the end the {x} {a:bare} made up for the {y} {b:bare}"),
            ("y", "the {x} {a:bare} and the {x2} {b:bare} could not make up for what {be} {y}"),
            ("neutral", "half of {it} {be} {x} and half of it {be} {y}, so it evens out"),
            ("neutral", "one minute {a} {be:a} {x}, the next minute {b} {be:b} {y}; I can't decide"),
        ],
    ),
)
