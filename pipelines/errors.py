"""The exceptions whose message is meant for the user."""


class UserError(Exception):
    """The user's input is wrong. The message is one line: what, where, and what was expected.

    The command line prints it without a traceback and ends with exit code 2.
    """


class ExportError(Exception):
    """A variant doesn't convert, holds ops that a device lacks, can't be invoked or answers wrongly.

    The message names the variant and the reason.
    """
