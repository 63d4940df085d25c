"""Text that can be written anywhere."""


def printable(text):
    """Make a file name printable: bytes that are not UTF-8 are written as ``\\xe9``.

    Python holds such a byte as half a surrogate pair, which no file, log or JSON takes.

    Args:
        text (str): any text, such as a path of ``os.listdir``.

    Returns:
        str: the same text if it has no such byte.
    """
    return text.encode('utf-8', 'surrogateescape').decode('utf-8', 'backslashreplace')


def some(texts, limit=10):
    """Join texts into one printable line. Only the first ones of a long list are shown.

    Args:
        texts (Sequence[str]): such as paths.
        limit (int): how many are shown. Defaults to 10.

    Returns:
        str: the line.
    """
    more = f', and {len(texts) - limit} more' if len(texts) > limit else ''
    return printable(', '.join(texts[:limit]) + more)
