"""The voices of the embedded speech and the words other than the commands, by split."""

ACCENTS = (
    "en",
    "en-us",
    "en-us-nyc",
    "en-029",
    "en-gb-scotland",
    "en-gb-x-rp",
    "en-gb-x-gbclan",
    "en-gb-x-gbcwmd",
)
"""Accents of English; every split has all of them."""


def _list(names: str) -> tuple[str, ...]:
    return tuple(names.split())


VARIANTS = {
    "train": _list("""
        Alex Andy Annie Diogo Gene Gene2 Henrique Hugo Mario Michael Mike Reed Storm adam anika announcer
        aunty benjamin croak ed edward edward2 f1 f2 f5 fast grandma grandpa gustave iven iven2 iven3 iven4
        john kaukovalta klatt klatt2 klatt3 klatt4 klatt5 klatt6 m1 m2 m5 m6 m8 marcelo max michel miguel
        mike2 norbert pablo paul shelby travis whisper
    """),
    "validation": _list("Andrea Denis antonio boris f4 ian linda m4 rob robert sandro"),
    "test": _list("""
        Alicia Jacky Lee Marco Nguyen belinda caleb david f3 m3 m7 pedro quincy steph steph2 steph3 victor
        whisperf zac
    """),
}
"""Voice variants, each in one split; variants that sound alike share a split. Robot voices are left out."""

UNKNOWN_WORDS = _list("""
    zero one two three four five six seven eight nine bed bird cat dog happy house marvin sheila tree wow
    backward forward follow learn visual goal stock light nose upper town bless dawn lift loft gone low gold
    drop shop step often open under about bright night ride rye yellow guess yet yesterday press mess note nod
    snow own arm doubt brown cup puppet office offer honest want stuff stump grow ago elephant laugh love
    leave water music table window computer telephone kitchen weather hello please thank morning battery
""")
"""Words of every split, all labelled _unknown_. None sounds like one of the ten commands."""

HELD_OUT_WORDS = _list("""
    ten apple banana river garden orange pencil summer station volume play pause start next slow load round
    cough bought tight stab oath us yeast
""")
"""Half the unknown words of validation and test are from this list; train has none of them."""
