"""What each emotion looks like, in words: visible movements of the face (FACS action units)."""
from ...datasets.emotions import canonical, description_of
from ...errors import InputError


def descriptions_of(known):
    """Descriptions of known emotions, from the vocabulary in force.

    Args:
        known (Sequence[str]): their names.

    Returns:
        dict[str, str]: canonical name to description.

    Raises:
        InputError: one of them has no description; compounds have none.
    """
    found = {name: description_of(name) for name in map(canonical, known)}
    missing = [name for name, text in found.items() if text is None]
    if missing:
        raise InputError(f'no description of {", ".join(missing)}: write one for each emotion that '
                         'is no compound (--cfg-options emotions=FILE.yaml), or set '
                         'model.cls_head.descriptions=False')
    return found
