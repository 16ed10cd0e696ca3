"""What the app says of its networks in their cards."""

from pipelines.export.card.about import About

ABOUT = About(
    purpose=(
        "Forecasts series of numbers: it reads a window of the past in the unit of the data, and answers "
        "with the quantiles of each of the next steps. What lies outside an interval of its forecast can "
        "be marked as unexpected."
    ),
    limits=(
        "It assumes that the future is made as the past of the training data was. Nothing tells it of a "
        "change that no window has shown yet.",
        "The intervals are as good as on the test part; the record of a training says how many of its "
        "values they hold.",
        "Steps must come at the times that the training data had.",
    ),
    pipeline_tag="time-series-forecasting",
    tags=("time-series-forecasting", "anomaly-detection"),
)
