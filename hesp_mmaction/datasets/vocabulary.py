"""A vocabulary of emotions: names, other spellings, words in prompts, descriptions of faces.

It is data. ``emotions.yaml`` ships one; a file or a part of a config, both called *content* here,
adds to it or takes its place (``emotion_content``). This module holds no state:
``emotions`` says which vocabulary is in force.
"""
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from keyword import iskeyword

from ..errors import InputError
from .emotion_content import (
    ONE_WORD,
    Emotion,
    as_plain,
    check_spellings,
    read_emotion,
    read_flag,
    read_texts,
    spelt,
)

JOINTS = re.compile(r'[\s_,;+&-]+')  # between the parts of a compound
SETTINGS = ('replace', 'open', 'compounds')  # keys of a content that are no names
# Words that stand for something else in results and dumps.
TAKEN = dict(unknown='is what a model says of an emotion that it does not know',
             undecodable='stands for a clip that cannot be decoded')
NEAR = 0.75  # similarity (difflib's ratio) from which a word is taken for a misspelt one


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
        parts = JOINTS.split(spelt(text))
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
        parts = JOINTS.split(spelt(text))
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
            content (dict | Sequence[str]): name to a dict of ``KEYS``, all of them optional,
                and the settings ``replace`` (bool), ``open`` (bool) and ``compounds``
                (Sequence[str]); or names only. Of an emotion that is there already, what is
                given replaces what was.
            where (str): what messages call the content. Defaults to ``'emotions'``.
            keep_order (bool): new emotions stay in the order of the content. Defaults to False.

        Returns:
            Vocabulary: the extended one.

        Raises:
            InputError: anything in it cannot be used; the message names the place and the remedy.
        """
        if isinstance(content, Sequence) and not isinstance(content, str):
            if any(isinstance(name, (Mapping, list)) for name in content):
                raise InputError(f'{where}: properties need names and no list: write '
                                 '"boredom: {word: bored}" without the "-" in front')
            if len(set(map(spelt, content))) < len(content):
                raise InputError(f'{where}: a name occurs twice in {list(content)}')
            content = dict.fromkeys(content)
        if not isinstance(content, Mapping):
            raise InputError(f'{where}: write names and their properties, such as '
                             f'"boredom: {{word: bored}}", not {str(content)[:40]!r}')
        content = dict(content)
        alone, is_open = (read_flag(content.pop(key, False), f'{where}: {key}')
                          for key in ('replace', 'open'))
        listed = read_texts(content.pop('compounds', None) or (), f'{where}: compounds')
        emotions, seen = {} if alone else dict(self.emotions), {}
        for key, properties in content.items():
            name = spelt(key) if isinstance(key, str) else key
            why = self._refused(name)
            if why:
                raise InputError(f'{where}: {key!r} cannot name an emotion: {why}')
            if name in seen:
                raise InputError(f'{where}: {seen[name]!r} and {key!r} are one name: take one out')
            seen[name] = key
            emotions[name] = read_emotion(emotions.get(name, Emotion(name, name)), properties,
                                      f'{where}: {name}')
        check_spellings(emotions, where)
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
        """What ``extended`` of a base needs to make this vocabulary, as plain data.

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
        return settings | {name: as_plain(emotion) for name, emotion in self.emotions.items()
                           if base.emotions.get(name) != emotion}
