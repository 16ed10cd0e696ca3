"""What the app says of its networks in their cards."""

from pipelines.export.card.about import About

ABOUT = About(
    purpose=(
        "Tells what happens in a video, or to the joints of a body, while it happens. It takes one frame "
        "after the other and answers with a probability for each action after every frame."
    ),
    limits=(
        "It knows the actions, views and distances of its training data only, and one person at a time.",
        "Trained with one label a clip, only its answer at a clip's end counts: begin with the initial state "
        "at each clip, or at each window of a stream, as `predict` does.",
        "Poses alone often tell an action. Compare it with the forests in the results, which see no "
        "order of frames.",
        "Not for watching or judging people.",
    ),
    pipeline_tag="video-classification",
    tags=("video-classification", "action-recognition"),
)
