"""The one exception for mistakes in what the user gave."""


class UserError(Exception):
    """The user's input is wrong. The message is one line: what, where, and what was expected.

    The command line prints it without a traceback and ends with exit code 2.
    """
