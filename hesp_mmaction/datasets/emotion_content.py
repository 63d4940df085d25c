"""Emotions as data: what a file or a part of a config may say of them, read and checked."""
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from unicodedata import normalize

import yaml

from ..errors import InputError

ONE_WORD = re.compile(r'[^\W\d_]+')
LONGEST = 75  # tokens between the two that begin and end CLIP's context


@dataclass(frozen=True)
class Emotion:
    """One emotion.

    Args:
        name (str): canonical name, one word of small letters.
        word (str): what names it in a prompt. Defaults to the name.
        description (str, optional): visible movements of the face. Defaults to None.
        aliases (tuple[str]): other spellings. Defaults to none.
        adverbs (tuple[str]): spellings that begin a compound in two words. Defaults to none.
        action_units (dict[str, float]): FACS units such as ``AU12`` to their strength in (0, 1],
            for drawn clips. Defaults to none.
    """
    name: str
    word: str = ''
    description: str | None = None
    aliases: tuple = ()
    adverbs: tuple = ()
    action_units: Mapping = field(default_factory=dict)


KEYS = tuple(part.name for part in fields(Emotion))[1:]


def spelt(text):
    """A name or label in the one spelling that is compared.

    Args:
        text (str): in any case, and in any form of Unicode; macOS writes an accent apart from its
            letter.

    Returns:
        str: small letters in composed form, without spaces around them.
    """
    return normalize('NFC', str(text).strip().lower())


def as_plain(emotion):
    """An emotion as plain data.

    Args:
        emotion (Emotion): the emotion.

    Returns:
        dict: its ``KEYS``, without what is empty.
    """
    return {key: list(value) if isinstance(value, tuple) else dict(value) if isinstance(
        value, Mapping) else value for key, value in asdict(emotion).items()
        if key != 'name' and value not in (None, (), {})}


def read_emotion(before, properties, where):
    """An emotion with other properties.

    Args:
        before (Emotion): what it was.
        properties (dict, optional): some of ``KEYS`` with their values. None changes nothing.
        where (str): what messages call it.

    Returns:
        Emotion: with the new properties.

    Raises:
        InputError: a key or a value cannot be used; the message names it.
    """
    properties = {} if properties is None else properties
    if isinstance(properties, str) or not isinstance(properties, Mapping):
        raise InputError(f'{where}: write its properties as a dict with {", ".join(KEYS)}, not '
                         f'{str(properties)[:40]!r}')
    given = {}
    for key, value in properties.items():
        if key not in KEYS:
            near = get_close_matches(str(key), KEYS, 1)
            raise InputError(f'{where} has an unknown key {key!r}; '
                             + (f'did you mean {near[0]}?' if near else
                                f'the keys are {", ".join(KEYS)}'))
        if value is None:
            continue
        if key in ('aliases', 'adverbs'):
            given[key] = tuple(map(spelt, read_texts(value, f'{where}: {key}')))
            wrong = [text for text in given[key] if not ONE_WORD.fullmatch(text)]
            if wrong:
                raise InputError(f'{where}: {key}: {wrong[0]!r} is not one word of letters')
        elif key == 'action_units':
            given[key] = _units(value, f'{where}: action_units')
        else:
            if not isinstance(value, str) or not value.strip():
                raise InputError(f'{where}: {key} must be a text, not {value!r}')
            given[key] = ' '.join(value.split())
            if len(value.split()) > LONGEST:
                raise InputError(f'{where}: its {key} has {len(value.split())} words, and CLIP '
                                 f'reads {LONGEST} tokens at most: shorten it')
    return replace(before, **given)


def _units(value, where):
    """FACS units (dict) with their strengths, checked."""
    if not isinstance(value, Mapping):
        raise InputError(f'{where}: write units and strengths, such as {{AU12: 0.8}}')
    for unit, strength in value.items():
        number = isinstance(strength, (int, float)) and not isinstance(strength, bool)
        if not re.fullmatch(r'AU\d{1,2}', str(unit)) or not number or not 0 < strength <= 1:
            raise InputError(f'{where}: {unit}: {strength} is no unit such as AU12 with a strength '
                             'above 0 and up to 1')
    return {str(unit): float(strength) for unit, strength in value.items()}


def read_flag(value, where):
    """Returns a bool as it is.

    Args:
        value (bool): of a setting.
        where (str): what messages call it.

    Returns:
        bool: the value.

    Raises:
        InputError: it is something else.
    """
    if not isinstance(value, bool):
        raise InputError(f'{where} must be true or false, not {value!r}')
    return value


def read_texts(value, where):
    """Words as a tuple.

    Args:
        value (Sequence[str]): of a key.
        where (str): what messages call it.

    Returns:
        tuple[str]: the words.

    Raises:
        InputError: it is something else, such as a single word.
    """
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(
            isinstance(text, str) for text in value):
        raise InputError(f'{where} must be a list of words, not {value!r}')
    return tuple(value)


def check_spellings(emotions, where):
    """Stops where one spelling or one word in prompts stands for two emotions.

    Args:
        emotions (dict[str, Emotion]): name to emotion.
        where (str): what messages call them.

    Raises:
        InputError: one does.
    """
    owners, words = {}, {}
    for name, emotion in emotions.items():
        for text in dict.fromkeys((name, *emotion.aliases, *emotion.adverbs)):
            other = owners.setdefault(text, name)
            if other != name:
                raise InputError(f'{where}: {text!r} stands for both {other} and {name}: give one '
                                 'other aliases, which an emotion that ships takes in the same '
                                 'place, or leave all that ship out with replace: true')
        other = words.setdefault(emotion.word.lower(), name)
        if other != name:
            raise InputError(f'{where}: {other} and {name} have the same word {emotion.word!r} in '
                             'prompts: CLIP could not tell them apart, give one another word')


class _Loader(yaml.SafeLoader):
    """YAML's safe loader, which refuses a key that occurs twice."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for i, key in enumerate(keys):
            if key in keys[:i]:
                raise yaml.constructor.ConstructorError(
                    None, None, f'the key {key!r} is there twice', node.value[i][0].start_mark)
        return super().construct_mapping(node, deep)


def read_content(path):
    """Reads a content from a YAML file; nothing in it is executed.

    Args:
        path (str | Path): the file, UTF-8.

    Returns:
        dict | list: as ``Vocabulary.extended`` takes and checks it.

    Raises:
        InputError: there is no such file, or it is no YAML or empty.
    """
    path = Path(path).expanduser()
    try:
        content = yaml.load(path.read_text(encoding='utf-8-sig'), _Loader)
    except FileNotFoundError as error:
        raise InputError(f'emotions: there is no file {path}') from error
    except OSError as error:
        raise InputError(f'emotions: {path} cannot be read: {error.strerror}') from error
    except UnicodeDecodeError as error:
        raise InputError(f'emotions: {path} is not a text in UTF-8') from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        mark = getattr(error, 'problem_mark', None)
        line = '' if mark is None else f', line {mark.line + 1}'
        raise InputError(f'emotions: {path}{line} is no YAML: '
                         f'{getattr(error, "problem", None) or type(error).__name__}') from error
    if content is None:
        raise InputError(f'emotions: {path} is empty: write names and their properties')
    return content
