"""What the app says of its networks in their cards."""

from pipelines.export.card.about import About

ABOUT = About(
    purpose=(
        "Hears which word is spoken in a second of sound, or words and their times in a stream. It takes "
        "raw samples: the spectrogram is part of the network. The answer is a probability for each word, "
        "for other speech and for silence, if the data has them."
    ),
    limits=(
        "It hears the words of its labels only, in voices and rooms like those of its training data.",
        "In a stream, other speech is sometimes taken for a word. The threshold of `predict` trades "
        "false alarms against missed words; measure both on sound of your own.",
        "No speaker is recognised, and it is no wake word for anything that must be safe.",
    ),
    pipeline_tag="audio-classification",
    tags=("audio-classification", "keyword-spotting"),
)
