"""Emotion names: the single source of truth for labels, prompts and heads.

Annotation files disagree on integer ids, so ids never travel further than a parser: everything
else speaks canonical names. ``emotions.yaml`` holds the names that ship (in MAFW's order; the
first seven are the basic emotions). The vocabulary *in force* is that one until a config with
emotions of its own is read (``hesp_mmaction.apis.emotion_wiring``), and the functions below
follow it.
"""
from pathlib import Path

from ..errors import InputError
from .emotion_content import read_content, spelt
from .vocabulary import Vocabulary

SHIPPED = Vocabulary().extended(read_content(Path(__file__).with_name('emotions.yaml')),
                                keep_order=True)
MAFW = tuple(SHIPPED.emotions)
BASIC = MAFW[:7]
MAFW_COMPOUNDS = SHIPPED.compounds  # all 32 of MAFW
# The nine of them that are made of basic emotions only (task 4 of the protocol).
COMPOUNDS = tuple(name for name in MAFW_COMPOUNDS if {*name.split('_')} <= {*BASIC})
# The word that stands for an emotion in a sentence such as "a photo of a {} expression".
PROMPT_WORDS = {name: emotion.word for name, emotion in SHIPPED.emotions.items()}

# Stands in place of the emotion of a test clip that cannot be decoded and counts in no figure.
UNDECODABLE = 'undecodable'

_in_force = SHIPPED


def use(vocabulary: Vocabulary) -> None:
    """Make a vocabulary the one that this process and processes forked later use.

    Args:
        vocabulary (Vocabulary): the vocabulary, such as ``SHIPPED``.
    """
    global _in_force
    _in_force = vocabulary


def in_force() -> Vocabulary:
    """The vocabulary that all functions of this module follow.

    Returns:
        Vocabulary: the one that ships, or the user's.
    """
    return _in_force


def canonical(name: str) -> str:
    """The canonical name of an emotion or compound in any known spelling.

    Args:
        name (str): such as ``'Angry'``, ``'happy'``, ``'anger_disgust'`` or ``'Happily
            Surprised'``, in any case and any order.

    Returns:
        str: a name of the vocabulary, or several of them joined by ``_`` in its order.

    Raises:
        InputError: a part of the name is no emotion; the message lists the valid ones.
    """
    return _in_force.canonical(name)


def emotion_of(text: str) -> str | None:
    """Read the name of an emotion, if it is one.

    Args:
        text (str): see ``canonical``.

    Returns:
        str | None: the canonical name. None if it is no emotion.
    """
    try:
        return _in_force.canonical(text)
    except InputError:
        return None


def label_of(text: str) -> str | None:
    """The emotion that a label of a list names.

    If the vocabulary is open, another word than its own becomes an emotion and is put into it.

    Args:
        text (str): the label.

    Returns:
        str | None: canonical name; None if the label is no emotion, see ``no_emotion``.
    """
    emotion = emotion_of(text)
    if emotion is None and _in_force.open:
        try:
            use(_in_force.with_words(text))
        except InputError:
            return None
        return canonical(text)
    return emotion


def no_emotion(label: str, told: set[str]) -> str:
    """What is wrong with a label for which ``label_of`` returns None.

    Args:
        label (str): the label.
        told (set[str]): labels of which it was said; this one is added. The remedy is named once.

    Returns:
        str: a text that follows "label ... is".
    """
    word = spelt(label)
    hint = _in_force.hint(word) if word.isalpha() and word not in told else ''
    told.add(word)
    return f'no emotion{hint}'


def is_adverb(word: str) -> bool:
    """Whether a word begins a compound in two words, such as ``'Happily'``.

    Args:
        word (str): in any case.

    Returns:
        bool: True for such a word.
    """
    return any(word.lower() in emotion.adverbs for emotion in _in_force.emotions.values())


def ships(name: str) -> bool:
    """Whether an emotion, or every part of a compound, is as it ships.

    Args:
        name (str): an emotion, see ``canonical``.

    Returns:
        bool: False for an emotion that the user added or changed.

    Raises:
        InputError: it is no emotion.
    """
    return all(SHIPPED.emotions.get(part) == _in_force.emotions.get(part)
               for part in canonical(name).split('_'))


def prompt_word(name: str) -> str:
    """Name an emotion as in a prompt.

    Args:
        name (str): an emotion, see ``canonical``.

    Returns:
        str: the word; for a compound, words joined by "and".

    Raises:
        InputError: it is no emotion.
    """
    return ' and '.join(_in_force.emotions[part].word for part in canonical(name).split('_'))


def description_of(name: str) -> str | None:
    """Look up what an emotion looks like.

    Args:
        name (str): an emotion, see ``canonical``.

    Returns:
        str | None: the description. None if it has none; compounds have none.

    Raises:
        InputError: it is no emotion.
    """
    emotion = _in_force.emotions.get(canonical(name))
    return emotion and emotion.description
