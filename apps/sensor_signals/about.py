"""What the app says of its networks in their cards."""

from pipelines.export.card.about import About

ABOUT = About(
    purpose=(
        "Recognises what the wearer of a sensor does, or marks the beats of an ECG, while the samples "
        "arrive. It takes raw samples: the normalisation is part of the network. The answer is a "
        "probability for each label."
    ),
    limits=(
        "It knows the place of the sensor, the rate and the channels of its training data only; "
        "`predict` resamples and converts units, but a sensor at another place of the body is another "
        "problem.",
        "People differ more than windows of one person do. Figures hold for other people only if the "
        "test people are not those of training.",
        "No medical device: no diagnosis, no alarm that somebody relies on.",
    ),
    pipeline_tag="other",
    tags=("sensors", "human-activity-recognition", "ecg"),
)
