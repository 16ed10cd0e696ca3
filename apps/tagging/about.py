"""What the app says of its networks in their cards."""

from pipelines.export.card.about import About

ABOUT = About(
    purpose=(
        "Marks names, places and other spans in a text, or gives every word a tag such as its part of "
        "speech. It reads the words and their characters; the vocabulary is a file of this bundle. The "
        "answer is a tag for each word and a probability for each span."
    ),
    limits=(
        "It knows the kind of text and the types of its training data only. A word that it has never "
        "seen is judged by its characters and its neighbours.",
        "A sentence of more words than its longest one is read in pieces.",
        "It misses spans: not a means to make texts anonymous.",
    ),
    pipeline_tag="token-classification",
    tags=("token-classification", "named-entity-recognition"),
)
