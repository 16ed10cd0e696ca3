"""What an app says of its networks in their cards."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class About:
    """What is true of every network of an app, as plain sentences in Markdown."""

    purpose: str
    """What the network is for, what goes in and what comes out."""
    limits: tuple[str, ...]
    """What it can't do, or must not be used for; a sentence or two each."""
    pipeline_tag: str
    """Hugging Face's name of the task, such as "text-classification"; "other" if it has none."""
    tags: tuple[str, ...] = ()
    """Further words to find it by."""
