"""What each emotion looks like, in words: visible movements of the face (FACS action units)."""
import json
from pathlib import Path

from ...datasets.emotions import canonical
from ...errors import InputError

DESCRIPTIONS = json.loads(Path(__file__).with_suffix('.json').read_text(encoding='utf-8'))


def descriptions_of(known):
    """Descriptions of known emotions.

    Args:
        known (Sequence[str]): names of emotions.

    Returns:
        dict[str, str]: canonical name to description.

    Raises:
        InputError: an emotion has no description (compounds have none).
    """
    missing = [name for name in map(canonical, known) if name not in DESCRIPTIONS]
    if missing:
        raise InputError(f'no description of {", ".join(missing)}: set '
                         'model.cls_head.descriptions=False, or use the eleven single emotions')
    return {name: DESCRIPTIONS[name] for name in map(canonical, known)}
