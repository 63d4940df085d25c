"""Emotion names: the single source of truth for labels, prompts and heads.

Annotation files disagree on integer ids, so ids never travel further than a parser: everything
else speaks the canonical names below (MAFW's order; the first seven are the basic emotions).
"""
import re

from ..errors import InputError

BASIC = ('anger', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise')
MAFW = BASIC + ('contempt', 'anxiety', 'helplessness', 'disappointment')

# The nine of MAFW's 32 compounds that are made of basic emotions only (task 4 of the protocol).
COMPOUNDS = ('anger_disgust', 'fear_surprise', 'happiness_surprise', 'fear_sadness',
             'anger_sadness', 'disgust_surprise', 'anger_surprise', 'sadness_surprise',
             'disgust_sadness')

# All 32 compounds of MAFW: the nine above and those with an emotion that is not basic.
MAFW_COMPOUNDS = COMPOUNDS + (
    'sadness_helplessness', 'surprise_anxiety', 'fear_anxiety', 'disgust_contempt',
    'sadness_anxiety', 'anxiety_helplessness', 'disgust_anxiety', 'helplessness_disappointment',
    'sadness_anxiety_helplessness', 'anxiety_helplessness_disappointment', 'anger_anxiety',
    'happiness_contempt', 'fear_surprise_anxiety', 'disgust_helplessness',
    'anger_disgust_anxiety', 'sadness_disappointment', 'sadness_helplessness_disappointment',
    'disgust_anxiety_helplessness', 'fear_sadness_anxiety', 'anger_disgust_contempt',
    'anger_helplessness', 'disgust_helplessness_disappointment', 'disgust_disappointment')

# Stands in place of the emotion of a test clip that cannot be decoded and counts in no figure.
UNDECODABLE = 'undecodable'

# The word that stands for an emotion in a sentence such as "a photo of a {} expression".
PROMPT_WORDS = dict(
    anger='angry', disgust='disgusted', fear='fearful', happiness='happy', neutral='neutral',
    sadness='sad', surprise='surprised', contempt='contempt', anxiety='anxious',
    helplessness='helpless', disappointment='disappointed')

_ALIASES = dict(
    angry='anger', disgusted='disgust', fearful='fear', happy='happiness', joy='happiness',
    sad='sadness', surprised='surprise', contemptuous='contempt', anxious='anxiety',
    helpless='helplessness', disappointed='disappointment')
# The first word of a compound in two words, such as RAF-DB's "Happily Surprised".
ADVERBS = dict(
    angrily='anger', disgustedly='disgust', fearfully='fear', happily='happiness',
    neutrally='neutral', sadly='sadness', surprisedly='surprise', contemptuously='contempt',
    anxiously='anxiety', helplessly='helplessness', disappointedly='disappointment')


def canonical(name: str) -> str:
    """The canonical name of an emotion or compound written in any known spelling.

    Args:
        name (str): such as ``'Angry'``, ``'happy'``, ``'anger_disgust'`` or ``'Happily
            Surprised'`` (any case, any order).

    Returns:
        str: one of :data:`MAFW`, or several of them joined by ``_`` in MAFW's order.

    Raises:
        InputError: a part of the name is not an emotion; the message lists the valid ones.
    """
    parts = []
    for part in re.split(r'[\s_,;+&-]+', name.strip().lower()):
        part = _ALIASES.get(part, ADVERBS.get(part, part))
        if part not in MAFW:
            raise InputError(f'unknown emotion {name!r}; the known names are: {", ".join(MAFW)} '
                             '(compounds join them with "_")')
        parts.append(part)
    return '_'.join(sorted(set(parts), key=MAFW.index))


def emotion_of(text: str) -> str | None:
    """The canonical name of an emotion, see :func:`canonical`, or None if it is no emotion."""
    try:
        return canonical(text)
    except InputError:
        return None


def prompt_word(name: str) -> str:
    """The word (or, for a compound, words joined by "and") that names an emotion in a prompt."""
    return ' and '.join(PROMPT_WORDS[part] for part in canonical(name).split('_'))
