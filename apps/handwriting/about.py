"""What the app says of its networks in their cards."""

from pipelines.export.card.about import About

ABOUT = About(
    purpose=(
        "Writes a text with a pen, or reads what a pen writes, stroke by stroke: a network does one of "
        "both. It works on the movements of a pen, offset by offset, and not on images."
    ),
    limits=(
        "It knows the characters, the writers and the kind of pen of its training data only.",
        "A network that reads can't read scanned paper.",
        "Not for writing in the name of a person, nor for telling who wrote something.",
    ),
    pipeline_tag="other",
    tags=("handwriting", "online-handwriting-recognition", "handwriting-generation"),
)
