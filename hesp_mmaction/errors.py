"""The one exception for input that cannot be used."""


class InputError(ValueError):
    """What the user gave cannot be used; the message names it and says what to do instead.

    The tools print such an error as one line and exit with code 1.
    """
