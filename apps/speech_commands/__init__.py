"""Speech commands: recognises the word in a short clip, or words and their times in a stream."""

from pipelines.app import lazy, usual_app

from .config import SpeechConfig


def _executions(config: SpeechConfig) -> tuple[str, ...]:
    return ("loop", "step") if config.streams else ("loop",)


APP = usual_app(
    __name__,
    "Hear words: in a clip, in a file of any length, or live at the microphone.",
    example=("word.wav",),
    input_column=lambda settings: "file",
    executions=_executions,
    show=lazy(__name__, "plots", "show"),
)
