"""What the app says of its networks in their cards."""

from pipelines.export.card.about import About

ABOUT = About(
    purpose=(
        "Writes a text for a text: a translation, a simpler version, an answer, whatever the pairs of its "
        "training data teach. It reads and writes subwords; their pieces are a file of this bundle."
    ),
    limits=(
        "It knows the subjects and the style of its training pairs only; other texts get fluent and "
        "wrong answers.",
        "A text beyond its largest length is cut, and `predict` says so.",
        "Not for texts on which somebody depends, unless a person who knows both sides reads them.",
    ),
    pipeline_tag="translation",
    tags=("translation", "text2text-generation"),
)
