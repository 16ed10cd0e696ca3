"""Image captioning: describes an image in a sentence."""

from pipelines.app import lazy, usual_app

from .features import encode_targets

APP = usual_app(
    __name__,
    "Describe an image, and show where the network looked for each word.",
    targets=encode_targets,
    example=("photo.jpg",),
    input_column=lambda settings: settings["image_column"],
    deployed=lazy(__name__, "model", "captioner"),
    trainable=lazy(__name__, "model", "set_trainable"),
    parts=lazy(__name__, "model", "make_parts"),
    show=lazy(__name__, "plots", "show"),
)
