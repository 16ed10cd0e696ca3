"""The verb `card`: write the card of a bundle again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from ..app import app_names, find, folder_of
from ..export.card.card import CARD, write_card
from ..ondevice.bundle import Bundle
from ..training.card_facts import card_facts
from ..training.recorded import read_records


@dataclass(frozen=True)
class Card:
    """Write the card of a bundle again, README.md.

    It is made from the manifest, what the app says of its networks, and the record of the training. It can
    name licences then, and a bundle from before there were cards gets one. What was written into a card by
    hand is lost.
    """

    bundle: tyro.conf.Positional[Path]
    """The folder of the bundle."""
    licence: Annotated[str | None, tyro.conf.arg(metavar="ID", help_behavior_hint="")] = None
    """The licence of the network, by Hugging Face's identifier, such as apache-2.0. The manifest keeps it."""
    data_licence: Annotated[str | None, tyro.conf.arg(metavar="TEXT", help_behavior_hint="")] = None
    """The licence of the data that the network was trained on. The manifest keeps it."""


def run(command: Card) -> None:
    """Write the card.

    Raises:
        UserError: there is no bundle, or it can't be written to.
    """
    given = {"licence": command.licence, "data_licence": command.data_licence}
    facts = {key: text for key, text in given.items() if text is not None}
    written = write(Bundle.open(command.bundle), facts)
    print(written.folder / CARD)


def write(bundle: Bundle, facts: dict[str, Any] | None = None) -> Bundle:
    """Write a bundle's card; a manifest without the record of its training gets it from results.json.

    Args:
        bundle: the bundle, of an app or an exported model.
        facts: entries to add to the manifest.
    """
    name = bundle.manifest["app"]
    if name not in app_names():
        return write_card(bundle, facts=facts)
    app, found = find(name), dict(facts or {})
    if "record" not in {*bundle.manifest, *found}:
        records = read_records(folder_of(name)).values()
        known = [card_facts(app, each, bundle.manifest["run_id"]) for each in records]
        found |= next(({"record": each} for each in known if each is not None), {})
    return write_card(bundle, app.of_bundle(bundle), facts=found)
