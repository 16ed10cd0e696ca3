"""Makes the pictures of the start page in docs/pictures with the shipped networks, in a minute:

    PYTHONPATH=. python docs/pictures.py [sentiment forecasting ..]

Those of action_recognition, handwriting and translation show what the apps learn from. `pages` needs
Chromium and `make page-tools`.
"""

from __future__ import annotations

import sys
import tempfile
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from page_pictures import beside, photographed
from PIL import Image
from text_pictures import Piece, bars, coloured_text

from pipelines.app import find, folder_of
from pipelines.ondevice import Bundle

FOLDER = Path(__file__).parent / "pictures"
MOST_BYTES = 100_000
"""Of one picture."""


def shipped(app: str) -> Bundle:
    """Open the network that is shipped with an app."""
    return Bundle.open(folder_of(app) / "shipped")


def sentiment() -> None:
    """Bars of the probabilities of three texts."""
    texts = ("not bad at all", "The plot is thin, but I loved it.", "It arrives on Monday.")
    app = find("sentiment")
    answers = app.predict(shipped("sentiment"), texts, None, app.options())
    rows = [(each["text"], each["probabilities"]) for each in answers]
    colours = {"positive": "#8fd3a5", "neutral": "#d6d6d6", "negative": "#f3a6a0"}
    write("sentiment.svg", bars(rows, colours, "Three texts, and the probability of each label"))


def tagging() -> None:
    """A text with its names in colours."""
    text = "Dr Halden of Halden Motors left Port Tessow in May 1987. She paid 300 crowns for a boat."
    app = find("tagging")
    (answer,) = app.predict(shipped("tagging"), [text], None, app.options())
    shades = dict(
        zip(answer["labels"], ("#ffd28a", "#a8d8f0", "#c9e7a7", "#e3c4f2", "#f7b9c4"), strict=False)
    )
    pieces: list[Piece] = []
    end = 0
    for span in [*answer["spans"], None]:
        until = span["start"] if span else len(text)
        pieces += [(word, "", "") for word in _words(text[end:until])]
        if span:
            end = span["end"]
            pieces.append((text[span["start"] : end], shades.get(span["label"], "#ddd"), span["label"]))
    write("tagging.svg", coloured_text(pieces, 52, "A text with names, places and times marked"))


def _words(text: str) -> list[str]:
    return [f" {word}" if number else word for number, word in enumerate(text.split(" "))]


def text_generation() -> None:
    """A text, each character the darker the less it was expected."""
    from apps.text_generation.generate import Writer
    from pipelines.ondevice import Stream
    from pipelines.ondevice.alphabet import Alphabet
    from pipelines.ondevice.step_network import StreamNetwork
    from pipelines.tasks.surprise_page import spans

    bundle = shipped("text_generation")
    network = StreamNetwork(Stream(bundle.variant_path(execution="step")))
    writer = Writer(network, Alphabet.from_settings(bundle.preprocessing))
    text = "And God said, Let there be light: and there was television."
    found = spans(writer.alphabet, text, writer.surprises(text))
    strength = [min(1.0, each.nats / 6) if each.nats == each.nats else 0 for each in found]
    pieces = [
        (each.text, f"rgb(255,{255 - round(150 * dark)},{255 - round(150 * dark)})", "")
        for each, dark in zip(found, strength, strict=True)
    ]
    write("text_generation.svg", coloured_text(pieces, 36, "The darker a character, the less expected"))


def translation() -> None:
    """A verse and its plainer version, which the app learns from."""
    from apps.translation.embedded.two_bibles import pairs

    source, target = next(iter(pairs("small")["test"].values()))
    pieces = [
        *((word, "", "") for word in _words(f"{source} ")),
        *((word, "#c9e7a7", "") for word in _words(target)),
    ]
    write("translation.svg", coloured_text(pieces, 44, "A verse, and the same in plain words"))


def forecasting() -> None:
    """The next days of the weather in Seattle, with their intervals, and what came."""
    import csv

    from apps.forecasting.embedded.seattle import seattle_weather
    from apps.forecasting.predict import Options, predict

    rows = list(csv.reader(seattle_weather().read_text().splitlines()))
    with tempfile.TemporaryDirectory() as folder:
        known, out = Path(folder, "weather.csv"), Path(folder, "forecast.csv")
        with known.open("w", newline="") as file:
            csv.writer(file).writerows(rows[:1200])
        list(predict(shipped("forecasting"), [str(known)], None, Options(out=out)))
        picture = Image.open(out.with_suffix(".png"))  # four series beside each other, below a title
        wide, high = picture.size
        middle = picture.crop((wide // 4, high // 9, 3 * wide // 4, high))
        keep_small("forecasting.png", middle, 900)


def image_captioning() -> None:
    """A drawn scene, and where the network looks at each word."""
    from apps.image_captioning.embedded.drawing import render
    from apps.image_captioning.embedded.scenes import scenes
    from apps.image_captioning.predict import Captioner, Options, attention_of
    from pipelines.tasks.generation_attention import panels

    bundle = shipped("image_captioning")
    captioner = Captioner(bundle, bundle.variant()["precision"], Options(beams=3))
    image = render(scenes({"test": 3})["test"][2])
    if image.shape[0] != captioner.size:
        image = np.asarray(Image.fromarray(image).resize((captioner.size, captioner.size)))
    caption = captioner(image)
    words = captioner.vocabulary.decode(caption.tokens).split()
    keep_small("image_captioning.png", panels(image, words, attention_of(caption)), 560)


def music_generation() -> None:
    """The piano roll of a composed piece."""
    from apps.music_generation.predict import Options, predict

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "piece.mid")
        options = Options(out=out, seconds=20, key="G", seed=4, wav=False)
        list(predict(shipped("music_generation"), [], None, options))
        keep_small("music_generation.png", Image.open(out.with_suffix(".png")), 900)


def spoken() -> np.ndarray:
    """Return four spoken words: samples at 16 kHz."""
    from apps.speech_commands.embedded.espeak import RATE, Espeak
    from pipelines.ondevice.audio import resample

    parts = [np.zeros(8000)]
    with Espeak() as espeak:
        for word in ("yes", "left", "stop", "go"):
            said = resample(espeak.say(word, "en-us", rate=140) / np.float32(32768), RATE, 16_000, word)
            parts += [said, np.zeros(14_000 - min(len(said), 13_000))]
    samples = np.concatenate(parts).astype(np.float32)
    return samples + np.random.default_rng(1).normal(0, 1e-3, len(samples)).astype(np.float32)


def speech_commands() -> None:
    """Four spoken words, and what the network hears every 20 ms."""
    from apps.speech_commands.config import SILENCE, UNKNOWN
    from apps.speech_commands.predict import Options
    from pipelines.tasks.events import Listener

    samples = spoken()
    bundle = shipped("speech_commands")
    listener = Listener(bundle, None, Options(), ignored=(UNKNOWN, SILENCE))
    posteriors = np.array(list(listener.posteriors(samples)))
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    wave, heard = figure.subplots(2, 1, sharex=True, height_ratios=(1, 2))
    wave.plot(np.arange(len(samples)) / 16_000, samples, linewidth=0.3, color="tab:gray")
    wave.set_yticks([])
    for label, row in zip(bundle.labels, posteriors.T, strict=True):
        if label not in (UNKNOWN, SILENCE) and row.max() > 0.3:
            heard.plot((np.arange(len(row)) + 1) * listener.step_seconds, row, label=label)
    for event in listener.events(posteriors, Options()):
        heard.axvline(event.seconds, color="black", linewidth=0.7)
        heard.annotate(event.label, (event.seconds, 1.03), fontsize=9, ha="center", annotation_clip=False)
    heard.set(ylim=(0, 1.15), xlabel="seconds", ylabel="probability")
    heard.legend(fontsize="small", loc="center right")
    save("speech_commands.png", figure)


def sensor_signals() -> None:
    """Exercises of a watch's wearer: the true ones and those that the network finds."""
    from apps.sensor_signals.embedded.wrist import WristMovements
    from apps.sensor_signals.predict import Finder, Options
    from pipelines.tasks.segment_pictures import draw_segments, streams_of

    bundle = shipped("sensor_signals")
    recordings = WristMovements.recordings(WristMovements, "whole")
    stream = streams_of([each for each in recordings if each.split == "test"])[0]
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots()
    draw_segments(axes, stream, Finder(bundle, None, Options())(stream), bundle.labels)
    axes.set_ylim(-0.5, 4.2)
    save("sensor_signals.png", figure)


def action_recognition() -> None:
    """Frames of clips that the app learns from."""
    from apps.action_recognition.embedded.films import drawn

    strips, names = [], []
    for clip in (each.clip for each in drawn("small")):
        label = clip.spans[0].label
        if label not in names and len(names) < 4:
            names.append(label)
            places = np.linspace(0, len(clip.signal) - 1, 8).round().astype(int)
            strips.append(np.concatenate(list(clip.signal[places, ..., 0]), axis=1))
    figure = Figure(figsize=(6, 3.4), layout="constrained")
    for axes, strip, label in zip(figure.subplots(4, 1), strips, names, strict=True):
        axes.imshow(strip, cmap="gray")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    save("action_recognition.png", figure, 520)


def handwriting() -> None:
    """A line in four of the hands that the app learns from."""
    from apps.handwriting.embedded.writers import hand
    from apps.handwriting.embedded.writing import written
    from pipelines.tasks.stroke_pictures import svg

    writers = ("writer_003", "writer_011", "writer_020", "writer_032")
    lines = [svg(written("a moving pen", who, hand(who)), 420) for who in writers]
    pictures = [
        line[line.index("<svg") :].replace("<svg", f'<svg y="{70 * n}"', 1) for n, line in enumerate(lines)
    ]
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 440 290">'
    write("handwriting.svg", "\n".join([head, *pictures, "</svg>\n"]))


def pages() -> None:
    """Pages of the browser: four words are heard, and a text gets its label."""
    samples = spoken()
    packets = len(samples) // 320
    heard = f"document.querySelector('#stream').textContent.startsWith('{packets} packets heard')"
    labelled = "document.querySelector('.answer').textContent.startsWith('positive')"
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder, "words.wav")
        with wave.open(str(sound), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            file.writeframes((samples * 32767).clip(-32768, 32767).astype("<i2").tobytes())
        steps = [["file", "#file", str(sound)], ["until", heard]]
        speech, bottom = photographed("speech_commands", shipped("speech_commands"), steps)
    steps = [["fill", "#text", "The plot is thin, but I loved it."], ["until", labelled]]
    text, _ = photographed("sentiment", shipped("sentiment"), steps, dark=True)
    keep_small("pages.png", beside([speech, text], bottom + 10), 820)


def write(name: str, text: str) -> None:
    """Write an SVG file."""
    if len(text.encode()) > MOST_BYTES:
        raise ValueError(f"{name}: expected at most {MOST_BYTES} bytes, got {len(text.encode())}")
    (FOLDER / name).write_text(text)


def save(name: str, figure: Figure, width: int = 900) -> None:
    """Write a figure of matplotlib, at most so many pixels wide."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        figure.savefig(path, dpi=110)
        keep_small(name, Image.open(path), width)


def keep_small(name: str, picture: Image.Image, width: int) -> None:
    """Write a PNG file of 64 colours, at most so many pixels wide."""
    picture = picture.convert("RGB")
    if picture.width > width:
        picture = picture.resize(
            (width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS
        )
    path = FOLDER / name
    picture.quantize(64).save(path, optimize=True)
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{name}: expected at most {MOST_BYTES} bytes, got {path.stat().st_size}")


PICTURES: dict[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        action_recognition, forecasting, handwriting, image_captioning, music_generation, pages,
        sensor_signals, sentiment, speech_commands, tagging, text_generation, translation,
    )
}  # fmt: skip


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for chosen in sys.argv[1:] or PICTURES:
        PICTURES[chosen]()
        print(chosen)
