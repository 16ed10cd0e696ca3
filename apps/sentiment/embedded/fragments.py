"""The words of compositional_reviews: things that a review can be about, and words that judge them.

A *fragment* (a thing, an aspect, a person, a condition, a fact, an opener, a closer) says nothing good
or bad, and belongs to exactly one split. All splits share the *judging words*, because a network cannot know
the polarity of a word that it has never seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Parts:
    """Fragments by split. No fragment is in two of them."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    def of(self, split: str) -> tuple[str, ...]:
        """Return the fragments of `split`: `train`, `validation` or `test`."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[split]


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in (" ".join(part.split()) for part in text.split(",")) if word)


def _parts(train: str, validation: str, test: str) -> Parts:
    return Parts(_words(train), _words(validation), _words(test))


# The reviewed thing. It always has "this", so that a comparison shows which side is reviewed.
SUBJECTS: Mapping[str, Parts] = {
    "film": _parts(
        "film, movie, thriller, comedy, drama, western, war film, love story, road movie, heist film,"
        "spy film, ghost story, musical, costume drama, film about two sisters, movie about a lost dog",
        "remake, crime film, courtroom drama, film about a lighthouse",
        "documentary, horror film, science fiction film, silent movie, detective story, film about chess,"
        "movie about a small town",
    ),
    "meal": _parts(
        "meal, dish, lunch, dinner, soup, pizza, curry, stew, salad, lasagne, omelette, sandwich, fish pie,"
        "noodle soup, three course dinner, bowl of pasta, plate of dumplings",
        "breakfast, risotto, vegetable pie, plate of cheese",
        "brunch, paella, onion soup, mushroom curry, burger, bowl of ramen, set lunch",
    ),
    "venue": _parts(
        "place, restaurant, bistro, cafe, diner, pizzeria, steak house, tea room, wine bar, beer hall,"
        "noodle bar, canteen, rooftop bar, restaurant by the river, cafe at the station",
        "brasserie, sushi bar, cafe in the park",
        "trattoria, coffee shop, seafood restaurant, bakery cafe, pub, tapas bar, restaurant on the corner",
    ),
    "product": _parts(
        "product, gadget, blender, toaster, phone, laptop, camera, lamp, kettle, vacuum cleaner,"
        "coffee machine, alarm clock, radio, keyboard, food mixer, electric drill, set of headphones",
        "printer, rice cooker, desk fan, electric razor",
        "tablet, hair dryer, bread maker, projector, sewing machine, loudspeaker, video recorder",
    ),
}

# Said with "the"; a star marks a plural.
ASPECTS: Mapping[str, Parts] = {
    "film": _parts(
        "acting, plot, script, dialogue, soundtrack, camera work, ending, opening scene, cast, pacing,"
        "editing, lighting, main character, villain, direction, jokes*, costumes*, special effects*, songs*,"
        "action scenes*, love scenes*",
        "narration, first act, premise, fight scenes*, stage sets*",
        "last act, closing scene, storyline, supporting cast, photography, leading actress, car chases*,"
        "flashbacks*, stunts*, dream scenes*",
    ),
    "meal": _parts(
        "sauce, crust, rice, bread, dessert, fish, chicken, starter, seasoning, side salad, pastry, filling,"
        "cheese, broth, main course, vegetables*, potatoes*, noodles*, beans*, mushrooms*, pancakes*",
        "gravy, rice pudding, second course, olives*, meatballs*",
        "garlic bread, dressing, lamb, apple cake, first course, topping, lentils*, carrots*, sausages*,"
        "fried onions*",
    ),
    "venue": _parts(
        "service, atmosphere, music, dining room, terrace, bar, welcome, owner, kitchen team, neighbourhood,"
        "decor, waiter, crowd, lunch hour, first impression, evening shift, waiters*, other guests*,"
        "back rooms*, private parties*",
        "garden, manager, upper floor, bar staff, window tables*",
        "courtyard, chef, hostess, entrance hall, live band, table service, regulars*, young cooks*,"
        "bartenders*, smaller rooms*",
    ),
    "product": _parts(
        "design, battery, handle, display, packaging, manual, build quality, finish, cover, power button,"
        "case, charger, user interface, outer shell, motor, buttons*, instructions*, controls*, spare parts*,"
        "materials*, rubber feet*",
        "hinge, warranty, carrying case, cables*, status lights*",
        "plug, surface, touch screen, remote control, base, customer support, settings*, screws*, batteries*,"
        "replacement parts*",
    ),
}

# The thing that a review compares with: never said with "this".
OTHERS: Mapping[str, Parts] = {
    "film": _parts(
        "the original, the sequel, the first part, the book, the old version, the television series,"
        "the other film we saw that week, the director's previous work",
        "the novel, the second part",
        "the third part, the stage play, the earlier version, the comic, the film we saw a week before",
    ),
    "meal": _parts(
        "the pie at the market, my own cooking, the buffet, the food at the airport, the daily special,"
        "the same dish across the street, the canteen food at work, what we had the day before",
        "my aunt's cooking, the food on the train",
        "the weekly special, my mother's cooking, the food at the hotel, the same dish at the market,"
        "what the others had",
    ),
    "venue": _parts(
        "the place next door, the old harbour inn, our usual haunt, the hotel bar,"
        "the chain across the street, the place that was here before, the other cafe in our street,"
        "the snack bar at the museum",
        "the place down the road, the old town hall cellar",
        "the place across the square, our local inn, the other bar in the village, the hotel restaurant,"
        "the place we went to last year",
    ),
    "product": _parts(
        "my old one, the previous model, the cheaper model, the one from the supermarket, my neighbour's,"
        "the one I had before, the bigger version, the model with the longer cord",
        "the model from last spring, the one at work",
        "the next model up, the smaller version, the one I gave away, my cousin's, the cheaper version",
    ),
}

REPORTERS = _parts(
    "my brother, my sister, my neighbour, my boss, a colleague, my best friend, my uncle, my flatmate,"
    "my piano teacher, my dentist, my teacher, a friend of mine, my wife, my husband, the new intern,"
    "the man at the counter, my grandmother, the woman next to us, a famous critic, my barber",
    "my niece, a fellow student, the radio host, my tennis partner",
    "my daughter, my old boss, a friend from school, the critic of the evening paper, my nephew,"
    "the woman at the till, my landlord, a guest at the next table, the trainee in my office",
)

CONDITIONS: Mapping[str, Parts] = {
    "film": _parts(
        "the final twist had been different, they had kept the first cast, somebody else had directed it,"
        "it had been shot in black and white, the studio had not cut it, I had read the book first,"
        "they had filmed it in another country, I had seen it alone, it had come out ten years earlier",
        "they had shown it without a break, it had been half an hour shorter",
        "someone else had written it, it had been shot in colour, they had filmed it at night,"
        "I had seen it at home, the studio had kept the first title",
    ),
    "meal": _parts(
        "they had used other spices, the cook had taken more time, we had ordered it without garlic,"
        "the usual cook had made it, they had served it at once, I had chosen the smaller portion,"
        "they had left out the cream, it had been made at home, we had shared it",
        "they had used less butter, it had been served in a pot",
        "they had used other herbs, it had come without the cream, the night cook had made it,"
        "we had chosen the larger portion, we had waited for another hour",
    ),
    "venue": _parts(
        "we had come on a weekday, they had put us in the other room, we had booked a table outside,"
        "the old owner had still been there, we had arrived an hour later, they had changed the chairs,"
        "we had come without the children, it had not been a holiday, they had seated us upstairs",
        "they had opened the windows, we had come by bus",
        "we had come on a Sunday, they had put us near the kitchen, we had arrived after midnight,"
        "the new owner had changed the menu, we had booked the room upstairs",
    ),
    "product": _parts(
        "they had chosen another colour, I had bought the larger size, they had used steel,"
        "I had used it every day, it had come from another factory, they had tested it in winter,"
        "I had read the leaflet first, they had put the switch at the back, it had been twice the weight",
        "they had used wood, I had bought it in a shop",
        "they had used glass, I had chosen the medium size, it had come with another switch,"
        "I had used it only at home, they had tested it in summer",
    ),
}

# Facts, without any judgement.
FACTS: Mapping[str, Parts] = {
    "film": _parts(
        "runs for just under two hours, was shot in Norway, is set in the eighties, has four main parts,"
        "is based on a short novel, came out in March, is shown with subtitles, takes place on a ship,"
        "follows a family over three summers, has an interval, is the second one by this director,"
        "was made for television, opens in most cinemas on Friday, is in black and white",
        "takes place in one night, was shot on a phone, has no dialogue for an hour",
        "runs for ninety minutes, was shot in Portugal, is set on a farm, is based on a true story,"
        "came out in the autumn, follows three students over one year, is the first one by this writer,"
        "is shown in French",
    ),
    "meal": _parts(
        "comes with rice and beans, is served in a clay bowl, costs nine euros, contains nuts,"
        "is on the menu on Fridays, is made with corn from a local farm, comes in two sizes,"
        "is served with a slice of lemon, takes twenty minutes to prepare, comes with a paper napkin,"
        "has no meat in it, can be ordered without onions, is made with goat milk, feeds two people",
        "comes on a wooden board, is served at noon, contains mustard",
        "comes with peas and mint, is served in a blue cup, costs eleven euros, contains eggs,"
        "is on the menu all week, comes in three sizes, comes with a tin spoon, feeds a family of four",
    ),
    "venue": _parts(
        "is closed on Mondays, has forty seats, is on the second floor, opened in May, takes cards,"
        "is behind the town hall, has a children's corner, belongs to a family from Genoa,"
        "serves lunch from noon to three, has parking at the back, is ten minutes from the station,"
        "changes its menu every week, used to be a bank, has two entrances",
        "has a piano in the corner, is next to a school, opens at six",
        "is closed in August, has sixty seats, is on the ground floor, takes only cash,"
        "is behind the old theatre, serves dinner until eleven, used to be a garage,"
        "is five minutes from the beach",
    ),
    "product": _parts(
        "comes in three colours, weighs about two kilos, runs on two cells, is made in Poland,"
        "was delivered on Tuesday, has a cord of one metre, costs forty euros, comes with a bag,"
        "has a switch on the left side, has a grey shell, is sold in most supermarkets,"
        "fits into a drawer, needs an adapter in England, has a small light at the front",
        "comes in a plain box, is made of cork, has two speeds",
        "comes in five colours, weighs less than a kilo, is made in Canada, was delivered on Friday,"
        "costs sixty euros, has a switch at the bottom, stands on three legs, is sold only online",
    ),
}

# Whole sentences or introductions around the review proper; they judge nothing.
OPENERS = _parts(
    "Quick review:, My verdict:, Here is what I think:, In short:, For the record:, My two cents:,"
    "I will keep this short:, One more opinion:, Where do I start?, So here we are.,"
    "We went with the whole family., It was a rainy Saturday., This is my first review.,"
    "It was my grandfather's birthday., We were in town for two days., A few words on our weekend:,"
    "Let me say this:, As I told everybody at home:, Time for a review.",
    "Short and simple:, It was a cold morning., Now it is my turn:",
    "Notes from a tired student:, It was a windy Thursday., This is my third review., My view of it:,"
    "We were in town for a wedding., I promised to write this:, So this is it:, A note for my friends:",
)
CLOSERS = _parts(
    "I paid for it myself., We were a group of six., That is all., This was in April.,"
    "I am writing this on the bus., That is my opinion., You can ask me about the details.,"
    "My parents were there too., It was the middle of the week., We took the train home.,"
    "I thought somebody should know., Maybe that helps someone., I have said what I wanted to say.,"
    "It was a present from my aunt., We live around the corner., I will add pictures later.",
    "I wrote this at lunch., We were a party of ten., That is it from me.",
    "This was in October., I paid with a voucher., I am writing this on the train., We took the bus home.,"
    "My grandparents were there too., It was the end of the month., Pictures will follow.",
)

# The plain name of the kind, for "a more gripping film": shared by all splits.
KINDS = {"film": ("film", "movie"), "meal": ("meal", "dish"), "venue": ("place", "restaurant"),
         "product": ("product", "gadget")}  # fmt: skip
TOPICS = tuple(KINDS)

# Degree words, shared by all splits.
DEGREES = {
    "very": _words("very, really, truly, extremely, incredibly, remarkably"),
    "fairly": _words("fairly, pretty, quite, rather"),
    "absolutely": _words("absolutely, utterly, simply, just, truly"),
}

# Judging words by sign and form. `mild` takes degree words, `more` is the part of it that takes
# "more" and "less"; `like`/`liked` say what the writer does, `act`/`acted` what the thing does.
GENERAL: Mapping[int, Mapping[str, tuple[str, ...]]] = {
    1: {
        "mild": _words("good, nice, likeable, decent, lovely"),
        "more": _words("pleasant, impressive, enjoyable, satisfying, appealing"),
        "strong": _words("great, excellent, wonderful, superb, brilliant, fantastic, terrific, outstanding"),
        "cmp": _words("better, nicer, lovelier, finer, stronger"),
        "noun": _words("a delight, a treat, a joy, a pleasure, a success, a triumph"),
        "like": _words("love, like, enjoy, adore, admire"),
        "liked": _words("loved, liked, enjoyed, adored, admired"),
        "act": _words("win me over, impress me, delight me, please me, surpass my hopes"),
        "acted": _words("won me over, impressed me, delighted me, pleased me, surpassed my hopes"),
        "wish": _words("hoped, expected"),
    },
    -1: {
        "mild": _words("bad, poor, weak, lousy, nasty"),
        "more": _words("disappointing, annoying, unpleasant, irritating, frustrating"),
        "strong": _words("terrible, awful, dreadful, horrible, appalling, atrocious, abysmal, miserable"),
        "cmp": _words("worse, poorer, weaker, nastier, lousier"),
        "noun": _words("a letdown, a disaster, a mess, a chore, a failure, a nightmare"),
        "like": _words("hate, dislike, detest, loathe, despise"),
        "liked": _words("hated, disliked, detested, loathed, despised"),
        "act": _words("let me down, annoy me, disappoint me, irritate me, waste my time"),
        "acted": _words("let me down, annoyed me, disappointed me, irritated me, wasted my time"),
        "wish": _words("feared, expected"),
    },
}
SPECIAL: Mapping[str, Mapping[int, Mapping[str, tuple[str, ...]]]] = {
    "film": {
        1: {"mild": _words("funny, clever, witty"), "more": _words("gripping, moving, charming, touching"),
            "cmp": _words("funnier, cleverer")},
        -1: {"mild": _words("dull, shallow, silly"), "more": _words("boring, tedious, predictable, tiresome"),
             "cmp": _words("duller, sillier")},
    },
    "meal": {
        1: {"mild": _words("tasty, fresh, hearty"), "strong": _words("delicious, heavenly"),
            "more": _words("flavourful, tempting"), "cmp": _words("tastier, fresher")},
        -1: {"mild": _words("bland, stale, greasy"), "strong": _words("disgusting, revolting"),
             "more": _words("tasteless, unappetising"), "cmp": _words("blander, greasier")},
    },
    "venue": {
        1: {"mild": _words("friendly, lively, warm"), "more": _words("welcoming, charming, relaxed"),
            "cmp": _words("friendlier, livelier")},
        -1: {"mild": _words("unfriendly, gloomy, dreary"), "more": _words("chaotic, tiresome, depressing"),
             "cmp": _words("gloomier, drearier")},
    },
    "product": {
        1: {"mild": _words("handy, sturdy, solid"), "more": _words("reliable, practical, useful"),
            "cmp": _words("handier, sturdier")},
        -1: {"mild": _words("flimsy, clumsy, shoddy"), "more": _words("unreliable, impractical, useless"),
             "cmp": _words("flimsier, clumsier")},
    },
}  # fmt: skip
