"""The exceptions whose message is meant for the user."""


class UserError(Exception):
    """The user's input is wrong. The message is one line: what is wrong, where, and what was expected.

    The command line prints it without a traceback and ends with exit code 2.
    """


class TeamError(Exception):
    """Another process that trains with this one has ended. The message is one line."""


class ExportError(Exception):
    """A variant can't be converted or run, has ops that a device lacks, or has too large an error.

    The message names the variant and the reason.
    """


class Pruned(Exception):  # noqa: N818 - it is no error
    """A training is stopped early, since others of its sweep were better after as many epochs."""
