"""Text that can be written anywhere."""


def printable(text):
    """A text in which bytes of a file name that are no UTF-8 are written as ``\\xe9``.

    Python holds such a byte as half a surrogate pair, which no file, log or JSON takes.

    Args:
        text (str): such as a path of ``os.listdir``.

    Returns:
        str: the text itself if it has no such byte.
    """
    return text.encode('utf-8', 'surrogateescape').decode('utf-8', 'backslashreplace')


def some(texts, limit=10):
    """The texts in one line, of a long list only the first ones, printable.

    Args:
        texts (Sequence[str]): such as paths.
        limit (int): how many are shown. Defaults to 10.

    Returns:
        str
    """
    more = f', and {len(texts) - limit} more' if len(texts) > limit else ''
    return printable(', '.join(texts[:limit]) + more)
