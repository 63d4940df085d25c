"""Names for what was judged unknown: words of a lexicon ranked by CLIP's texts.

A *lexicon* is a dict of words to emotion names (``{'furious': 'anger', 'bored': 'bored'}``); all
arrays of words follow its order. Names of known emotions are not candidates, because the model has
already judged that the sample is none of them.
"""
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import normalize

from ..datasets.emotions import SHIPPED, canonical, emotion_of, in_force, prompt_word
from ..errors import InputError

LEXICON = Path(__file__).with_name('lexicon.txt')
TEMPLATE = 'a photo of a {} expression'


def read_lexicon(path=LEXICON):
    """Reads a lexicon: one word a line, ``word`` or ``word = emotion``; ``#`` begins a comment.

    Names are those of the vocabulary in force. The lexicon of this package gets the prompt words
    of its emotions that have no word there.

    Args:
        path (str | Path): UTF-8 text. Defaults to the lexicon of this package.

    Returns:
        dict[str, str]: word to name. The name is the canonical one after ``=``, else that of the
        emotion which the word spells, else the word itself.

    Raises:
        InputError: a line that cannot be used, by its number.
    """
    path = Path(path)
    ours = path == LEXICON
    if not path.is_file():
        raise InputError(f'there is no lexicon {path}')
    lexicon = {}
    try:
        lines = path.read_text(encoding='utf-8-sig').splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f'{path} is not a text in UTF-8') from error
    for number, line in enumerate(lines, 1):
        line = line.partition('#')[0].strip()
        if not line:
            continue
        word, equals, name = (part.strip() for part in line.partition('='))
        word = ' '.join(word.lower().split())
        try:
            if not word or equals and not name:
                raise InputError("write 'word' or 'word = emotion'")
            if word in lexicon:
                raise InputError(f'the word {word!r} is there already')
            lexicon[word] = _name(word, name, ours)
        except InputError as error:
            raise InputError(f'{path}, line {number}: {error}') from error
    if not lexicon:
        raise InputError(f'{path} has no word')
    for name in in_force().emotions if ours else ():
        if name not in lexicon.values():
            lexicon[prompt_word(name)] = name
    return lexicon


def _name(word, name, ours):
    """The emotion that a word of a lexicon names, ``name`` being what the line says, or ''."""
    if not name:
        return emotion_of(word) or word
    if ours:  # the user's vocabulary may know the word, and not the name
        return emotion_of(word) or emotion_of(name) or SHIPPED.canonical(name)
    return canonical(name)


def emotion_lexicon(emotions):
    """Make a lexicon of given emotions only, one word each, in order of first appearance.

    Args:
        emotions (Sequence[str]): canonical names.

    Returns:
        dict[str, str]: word to name.
    """
    return {prompt_word(name): str(name) for name in dict.fromkeys(emotions)}


def candidates(lexicon, known):
    """Leave out all words of known emotions.

    Args:
        lexicon (dict[str, str]): word to name.
        known (Sequence[str]): names of the known emotions.

    Returns:
        dict[str, str]: the lexicon without them.

    Raises:
        InputError: nothing is left.
    """
    left = {word: name for word, name in lexicon.items() if name not in set(known)}
    if not left:
        raise InputError('the lexicon has words of known emotions only: add others')
    return left


def readable(tower, lexicon):
    """The lexicon without words that this CLIP cannot tell apart: a token's embedding is all zero.

    The embedded CLIP keeps only the tokens it was trained on.

    Args:
        tower (CLIPTextTower): the text tower of the CLIP.
        lexicon (dict[str, str]): word to name.

    Returns:
        dict[str, str]: the words that are left, with their names.
    """
    there = tower.token_embedding.weight.abs().sum(1) > 0
    return {word: name for word, name in lexicon.items()
            if all(there[token] for token in tower.tokenizer.encode(word))}


@torch.no_grad()
def encode_words(tower, words, template=TEMPLATE):
    """Encode words put into a sentence.

    Args:
        tower (CLIPTextTower): the text tower of a CLIP.
        words (Sequence[str]): W words.
        template (str): the sentence, with ``{}`` for the word. Defaults to ``TEMPLATE``.

    Returns:
        np.ndarray: texts (W, D) of length 1.
    """
    texts = tower.encode_text([template.format(word) for word in words])
    return normalize(texts, dim=1).cpu().numpy()


def similarities(features, texts, train_features=None):
    """CLIP's cosine of features (N, D) and texts (W, D), as (N, W).

    Args:
        features (np.ndarray): video features (N, D), of any length.
        texts (np.ndarray): texts (W, D) of the words.
        train_features (np.ndarray, optional): features (M, D) of the known training samples. The
            mean cosine of each word with them is subtracted, because a CLIP may prefer a word for
            every face. Defaults to None, because it lowered the accuracy in docs/naming.md.

    Returns:
        np.ndarray: (N, W).

    Raises:
        InputError: features and texts differ in D.
    """
    if features.shape[1] != texts.shape[1]:
        raise InputError(f'features are {features.shape[1]} wide and texts {texts.shape[1]}: words '
                         'can only be suggested by the CLIP whose features were kept')
    found = _unit(features) @ _unit(texts).T
    if train_features is not None:
        found -= (_unit(train_features) @ _unit(texts).T).mean(0)
    return found


def rank_names(features, texts, train_features=None):
    """Order the words from the best to the worst for each video.

    Args:
        features (np.ndarray): see ``similarities``.
        texts (np.ndarray): see ``similarities``.
        train_features (np.ndarray, optional): see ``similarities``.

    Returns:
        np.ndarray: indices (N, W) of the words.

    Raises:
        InputError: see ``similarities``.
    """
    return best_first(similarities(features, texts, train_features))


def best_first(found):
    """Order words by similarity. Equal ones keep the order of the lexicon.

    Args:
        found (np.ndarray): similarities (N, W).

    Returns:
        np.ndarray: indices (N, W) of the words, the best first.
    """
    return np.argsort(-found, axis=1, kind='stable')


def suggest(feature, lexicon, texts, known=(), train_features=None, top=3):
    """Words for one sample that was judged unknown.

    Args:
        feature (np.ndarray): feature (D,) of the sample.
        lexicon (dict[str, str]): word to name.
        texts (np.ndarray): texts (W, D) of the words, see ``encode_words``.
        known (Sequence[str]): emotions whose words are left out.
        train_features (np.ndarray, optional): see ``similarities``.
        top (int): how many words.

    Returns:
        list[tuple[str, float]]: word and similarity, the best first.
    """
    words = list(candidates(lexicon, known))
    rows = [list(lexicon).index(word) for word in words]
    found = similarities(np.asarray(feature)[None], texts[rows], train_features)
    return [(words[i], float(found[0, i])) for i in best_first(found)[0, :top]]


def _unit(rows):
    rows = np.asarray(rows, dtype=np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-12)
