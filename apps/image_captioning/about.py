"""What the app says of its networks in their cards."""

from pipelines.export.card.about import About

ABOUT = About(
    purpose=(
        "Describes an image in a sentence, and tells where it looked for each word. It takes the pixels of"
        " a square image and answers with word ids; the vocabulary is a file of this bundle."
    ),
    limits=(
        "It can only say what the captions of its training data say, in their words. An image of another"
        " kind gets a fluent sentence, too, and a wrong one.",
        "BLEU and CIDEr favour sentences made from a template; look at the captions themselves.",
        "Not for descriptions that somebody depends on, such as for blind people.",
    ),
    pipeline_tag="image-to-text",
    tags=("image-to-text", "image-captioning"),
)
