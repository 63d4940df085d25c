"""Texts of a lexicon's words for the scores that read them, and the rule which words may be there.

Any list of emotion words holds the unknown emotions of a data set, and a score that reads their
names has been told the answer. So every such score is computed twice: with no word for an emotion
of the data set, and with all words but those of the known emotions.
"""
from ..datasets.emotions import emotion_of, prompt_word
from ..errors import InputError
from .naming import encode_words, readable
from .scores import SCORES, compute_scores, fields_of

POSSIBLE = '_unknown_names_possible'


def words_left(lexicon, emotions):
    """The lexicon without every name and synonym of emotions.

    A compound (``anger_disgust``) stands for each of its parts. A word is removed if the name after
    its ``=`` is one of these, or if the word itself is a spelling of one.

    Args:
        lexicon (dict[str, str]): word to name, see ``naming.read_lexicon``.
        emotions (Iterable[str]): canonical names.

    Returns:
        dict[str, str]: the words that are left, in the same order. It may be empty.
    """
    gone = {part for name in emotions for part in str(name).split('_')}
    return {word: name for word, name in lexicon.items()
            if not gone & {*name.split('_'), *(emotion_of(word) or '').split('_')}}


def word_fields(tower, words, known):
    """Compute the texts that the scores of words read in addition to a dump.

    Args:
        tower (CLIPTextTower): text tower of the CLIP whose features the dump holds.
        words (Iterable[str]): L words, as they stand in "a photo of a ... expression".
        known (Sequence[str]): names of the K known emotions, in label order.

    Returns:
        dict[str, np.ndarray]: ``word_text`` (L, D) and ``pair_text`` (K, L, D), of length 1.
    """
    words = list(words)
    pairs = [f'{prompt_word(name)} and {word}' for name in known for word in words]
    text = encode_words(tower, pairs).reshape(len(known), len(words), -1)
    return dict(word_text=encode_words(tower, words), pair_text=text)


def word_scores(dump, train, tower, lexicon):
    """Every score that reads words, with and without the names of the unknown.

    Args:
        dump (dict[str, np.ndarray]): arrays of a test run, with ``class_text`` (K, D), ``classes``
            (K,) and ``emotion`` (N,).
        train (dict[str, np.ndarray], optional): the same of the known training samples.
        tower (CLIPTextTower): text tower of the CLIP whose features the dump holds.
        lexicon (dict[str, str]): word to name.

    Returns:
        tuple[dict[str, np.ndarray], dict[str, str]]: the scores (N,), and the reasons why others
        cannot be computed, under two names each: ``neglabel`` reads no name or synonym of an
        emotion of the data set, ``neglabel_unknown_names_possible`` none of a known emotion.

    Raises:
        InputError: the texts of the tower are not as wide as those of the dump.
    """
    known = [str(name) for name in dump['classes']]
    names = [name for name in SCORES if 'word_text' in fields_of(name)]
    width = dump['class_text'].shape[1] if 'class_text' in dump else tower.out_channels
    if width != tower.out_channels:
        raise InputError(f'the texts of the run are {width} wide and those of the words '
                         f'{tower.out_channels}: name the CLIP of the run')
    lexicon, scores, reasons = readable(tower, lexicon), {}, {}
    for end, emotions in (('', {*known, *map(str, dump['emotion'])}), (POSSIBLE, known)):
        words = words_left(lexicon, emotions)
        if not words:
            reasons |= {name + end: 'no word of the lexicon is left' for name in names}
            continue
        found, why = compute_scores(dict(dump, **word_fields(tower, words, known)), train, names)
        scores |= {name + end: values for name, values in found.items()}
        reasons |= {name + end: reason for name, reason in why.items()}
    return scores, reasons
