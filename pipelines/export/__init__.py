"""From a Keras model to verified .tflite variants: convert, audit, verify, bundle."""

from __future__ import annotations


class ExportError(Exception):
    """A variant doesn't convert, holds ops that a device lacks, can't be invoked or answers wrongly.

    The message names the variant and the reason.
    """
