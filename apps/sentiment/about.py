"""What the app says of its networks in their cards."""

from pipelines.export.card.about import About

ABOUT = About(
    purpose=(
        "Labels a text with the opinion of its writer: positive, negative or neutral, or with the labels "
        "of the data that it was trained on. It reads token ids; the vocabulary is a file of this "
        "bundle. The answer is a probability for each label."
    ),
    limits=(
        "It knows the words of its training data only. `predict` says which words of a text it doesn't "
        "know, and when it left out the middle of a long one.",
        "Irony, quotations and texts about several things mislead it. `predict` calls an answer unsure "
        "whose probability is below that of nine tenths of the validation examples.",
        "Not for decisions about people.",
    ),
    pipeline_tag="text-classification",
    tags=("text-classification", "sentiment-analysis"),
)
