"""The one exception for input that cannot be used."""


class InputError(ValueError):
    """What the user gave cannot be used. The message names it and the remedy.

    The tools print such an error as one line and exit with code 1.
    """
