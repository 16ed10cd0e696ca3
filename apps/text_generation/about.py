"""What the app says of its networks in their cards."""

from pipelines.export.card.about import About

ABOUT = About(
    purpose=(
        "Writes text character by character in the manner of its training text, completes words, or says "
        "which characters of a text surprise it. It reads one character and answers with the probabilities"
        " of the next one."
    ),
    limits=(
        "It knows spelling, grammar and the sound of its training text, and no facts: nothing that it "
        "writes is a statement about anything.",
        "What it writes may repeat its training text; `predict --corpus` says how much.",
        "Characters that the training text lacks are left out of what it is given, and said.",
    ),
    pipeline_tag="text-generation",
    tags=("text-generation", "character-level"),
)
