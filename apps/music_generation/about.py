"""What the app says of its networks in their cards."""

from pipelines.export.card.about import About

ABOUT = About(
    purpose=(
        "Composes music step by step: it reads the music so far and answers with the probabilities of the "
        "next step, from which the next note is drawn. It also continues a piece, harmonises a melody, or "
        "says how surprising a given piece is."
    ),
    limits=(
        "It knows the style of its training pieces and nothing else, and has no plan for a whole piece.",
        "What it composes may repeat passages of training pieces; a training run measures the longest one.",
        "The negative log-likelihood tells how well it predicts music that people wrote, not how good "
        "its own is.",
    ),
    pipeline_tag="other",
    tags=("music-generation", "midi"),
)
