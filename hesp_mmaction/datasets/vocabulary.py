"""A vocabulary of emotions: names, other spellings, words in prompts, descriptions of faces.

It is data. ``emotions.yaml`` ships one; a file or a part of a config, both called *content* here,
adds to it or takes its place. This module holds no state: :mod:`.emotions` says which vocabulary
is in force.
"""
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from difflib import get_close_matches
from keyword import iskeyword
from pathlib import Path

import yaml

from ..errors import InputError

JOINTS = re.compile(r'[\s_,;+&-]+')  # between the parts of a compound
ONE_WORD = re.compile(r'[^\W\d_]+')
SETTINGS = ('replace', 'open', 'compounds')  # keys of a content that are no names
# Words that stand for something else in results and dumps.
TAKEN = dict(unknown='is what a model says of an emotion that it does not know',
             undecodable='stands for a clip that cannot be decoded')
LONGEST = 75  # tokens between the two that begin and end CLIP's context
NEAR = 0.75  # similarity (difflib's ratio) from which a word is taken for a misspelt one


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


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Emotions that can be named. It is never changed: methods return another one.

    Args:
        emotions (dict[str, Emotion]): name to emotion; their order is that of a compound's parts.
        compounds (tuple[str]): compounds that are listed first, in this order. Any two emotions
            can be joined without being listed. Defaults to none.
        open (bool): labels of lists may be other words, each an emotion of its own. Defaults to
            False.
        first (tuple[str]): names that come first in the order. All others follow in alphabetical
            order, because mmengine sorts the keys of a config that it writes. Defaults to none.
    """
    emotions: Mapping = field(default_factory=dict)
    compounds: tuple = ()
    open: bool = False
    first: tuple = ()

    def __post_init__(self):
        names = {}
        for name, emotion in self.emotions.items():
            names |= dict.fromkeys((name, *emotion.aliases, *emotion.adverbs), name)
        object.__setattr__(self, 'spellings', names)

    @property
    def order(self):
        """All listed names (tuple of str): emotions, then compounds."""
        return (*self.emotions, *self.compounds)

    def canonical(self, text):
        """The canonical name of an emotion or compound in any known spelling.

        Args:
            text (str): such as ``'Angry'``, ``'anger_disgust'`` or ``'Happily Surprised'``, in any
                case and any order.

        Returns:
            str: a name, or several of them joined by ``_`` in the order of the vocabulary.

        Raises:
            InputError: a part is no emotion; the message lists the names.
        """
        parts = JOINTS.split(str(text).strip().lower())
        for part in parts:
            if part not in self.spellings:
                raise InputError(
                    f'unknown emotion {str(text)!r}; the known names are: '
                    f'{", ".join(self.emotions)} (compounds join them with "_"); {part} is no '
                    f'emotion{self.hint(part)}')
        return self._joined(self.spellings[part] for part in parts)

    def _ordered(self, emotions):
        place = {name: number for number, name in enumerate(self.first)}
        return {name: emotions[name] for name in sorted(
            emotions, key=lambda name: (place.get(name, len(place)), name))}

    def _joined(self, names):
        return '_'.join(sorted(set(names), key=list(self.emotions).index))

    def hint(self, part):
        """What may have been meant by a word that is no emotion, as the end of a message.

        Args:
            part (str): one word.

        Returns:
            str: empty if no name is near and the word cannot be a name.
        """
        near = get_close_matches(part, self.spellings, 1, NEAR)
        possible = self._refused(part) is None
        if near:
            return f': did you mean {near[0]}?' + (
                f' If not, --cfg-options emotions={part} makes it an emotion' if possible else '')
        return f' (--cfg-options emotions={part} makes it one)' if possible else ''

    @staticmethod
    def _refused(name):
        """Returns why a word cannot be the name of an emotion, or None."""
        if not isinstance(name, str) or not ONE_WORD.fullmatch(name):
            return 'a name is one word of letters (in YAML, put no, yes, on, off in quotes)'
        if name in TAKEN:
            return f'the word {TAKEN[name]}'
        return 'the word is one of Python or a setting' if (
            iskeyword(name) or name in SETTINGS) else None

    def with_words(self, text):
        """The vocabulary in which a text is an emotion or compound, open if words were missing.

        Args:
            text (str): words joined by ``_`` or the like, such as ``'boredom'``.

        Returns:
            Vocabulary: this one if nothing is missing.

        Raises:
            InputError: a missing word is nearly the spelling of an emotion, or cannot be a name.
        """
        parts = JOINTS.split(str(text).strip().lower())
        missing = [part for part in parts if part not in self.spellings]
        for part in missing:
            why = self._refused(part if len(str(text).split()) == 1 else None)
            if why:
                raise InputError(f'{str(text)!r} cannot name an emotion: {why}')
            if get_close_matches(part, self.spellings, 1, NEAR):
                raise InputError(f'{part!r} is no emotion{self.hint(part)}')
        new = {part: Emotion(part, word=part) for part in missing}
        if not new:
            return self
        return replace(self, emotions=self._ordered({**self.emotions, **new}), open=True)

    def extended(self, content, where='emotions', keep_order=False):
        """The vocabulary with a content added, or of this content alone if it says ``replace``.

        Args:
            content (dict | Sequence[str]): name to a dict of :data:`KEYS`, all of them optional,
                and the settings ``replace`` (bool), ``open`` (bool) and ``compounds``
                (Sequence[str]); or names only. Of an emotion that is there already, what is
                given replaces what was.
            where (str): what messages call the content. Defaults to ``'emotions'``.
            keep_order (bool): new emotions stay in the order of the content. Defaults to False.

        Returns:
            Vocabulary

        Raises:
            InputError: anything in it cannot be used; the message names the place and the remedy.
        """
        if isinstance(content, Sequence) and not isinstance(content, str):
            if len({str(name).strip().lower() for name in content}) < len(content):
                raise InputError(f'{where}: a name occurs twice in {list(content)}')
            content = dict.fromkeys(content)
        if not isinstance(content, Mapping):
            raise InputError(f'{where}: write names and their properties, such as '
                             f'"boredom: {{word: bored}}", not {str(content)[:40]!r}')
        content = dict(content)
        alone, is_open = (_flag(content.pop(key, False), f'{where}: {key}')
                          for key in ('replace', 'open'))
        listed = _texts(content.pop('compounds', None) or (), f'{where}: compounds')
        emotions, seen = {} if alone else dict(self.emotions), {}
        for key, properties in content.items():
            name = key.strip().lower() if isinstance(key, str) else key
            why = self._refused(name)
            if why:
                raise InputError(f'{where}: {key!r} cannot name an emotion: {why}')
            if name in seen:
                raise InputError(f'{where}: {seen[name]!r} and {key!r} are one name: take one out')
            seen[name] = key
            emotions[name] = _emotion(emotions.get(name, Emotion(name, name)), properties,
                                      f'{where}: {name}')
        _check_spellings(emotions, where)
        if not emotions:
            raise InputError(f'{where}: with replace there must be emotions')
        emotions = emotions if keep_order else self._ordered(emotions)
        result = Vocabulary(emotions, first=self.first or (tuple(emotions) if keep_order else ()),
                            open=is_open or (self.open and not alone))
        try:
            found = [result.canonical(name) for name in listed]
        except InputError as error:
            raise InputError(f'{where}: compounds: {error}') from error
        return replace(result, compounds=tuple(dict.fromkeys(
            (*(() if alone else self.compounds), *found))))

    def content(self, base):
        """What :meth:`extended` of a base needs to make this vocabulary, as plain data.

        Args:
            base (Vocabulary): the one to extend.

        Returns:
            dict: empty if this is the base.
        """
        alone = not self.emotions.keys() >= base.emotions.keys()
        base = Vocabulary() if alone else base
        settings = dict(replace=True) if alone else {}
        if self.open:
            settings['open'] = True
        listed = [name for name in self.compounds if name not in base.compounds]
        if listed:
            settings['compounds'] = listed
        return settings | {name: _plain(emotion) for name, emotion in self.emotions.items()
                           if base.emotions.get(name) != emotion}


def _plain(emotion):
    """An emotion as plain data, without what is empty."""
    return {key: list(value) if isinstance(value, tuple) else dict(value) if isinstance(
        value, Mapping) else value for key, value in asdict(emotion).items()
        if key != 'name' and value not in (None, (), {})}


def _emotion(before, properties, where):
    """An :class:`Emotion` with some properties (dict) in place of those before."""
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
            given[key] = tuple(text.lower() for text in _texts(value, f'{where}: {key}'))
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


def _flag(value, where):
    if not isinstance(value, bool):
        raise InputError(f'{where} must be true or false, not {value!r}')
    return value


def _texts(value, where):
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(
            isinstance(text, str) for text in value):
        raise InputError(f'{where} must be a list of words, not {value!r}')
    return tuple(value)


def _check_spellings(emotions, where):
    """Stops where one spelling or one word in prompts stands for two emotions."""
    owners, words = {}, {}
    for name, emotion in emotions.items():
        for text in dict.fromkeys((name, *emotion.aliases, *emotion.adverbs)):
            other = owners.setdefault(text, name)
            if other != name:
                raise InputError(f'{where}: {text!r} stands for both {other} and {name}: take it '
                                 f'out of the aliases or adverbs of {other} or {name}')
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
        dict | list: as :meth:`Vocabulary.extended` takes and checks it.

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
