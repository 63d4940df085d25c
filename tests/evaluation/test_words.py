"""Which words a score may read, their texts, and the two rows of every such score."""
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hesp_mmaction.datasets.emotions import MAFW, MAFW_COMPOUNDS
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import auroc, save_dump
from hesp_mmaction.evaluation.naming import encode_words, read_lexicon
from hesp_mmaction.evaluation.words import POSSIBLE, word_fields, word_scores, words_left
from hesp_mmaction.models.prompts.text import CLIPTextTower

ROOT = Path(__file__).parents[2]
KNOWN, UNKNOWN = ['happiness', 'sadness'], ['anger', 'fear']
OF_WORDS = ['eoe', 'interneg', 'neglabel', 'negrefine']


@pytest.fixture(scope='module')
def tower():
    return CLIPTextTower('small_face_clip', 'embedded')


class WordTower:
    """In place of CLIP's: every word has a direction of its own, a text is the sum of its words."""
    out_channels = 512
    token_embedding = SimpleNamespace(weight=torch.ones(1, 1))
    tokenizer = SimpleNamespace(encode=lambda word: [0])

    def encode_text(self, sentences):
        return torch.tensor(np.stack([
            sum(direction(word) for word in sentence.removeprefix('a photo of a ').removesuffix(
                ' expression').split(' and ')) for sentence in sentences]))


def direction(word):
    values = np.random.default_rng(list(word.encode())).normal(size=512)
    return values / np.linalg.norm(values)


@pytest.fixture
def dump():
    """Features between a known emotion and, of unknown clips, their own, of known ones something
    that no word says."""
    rng = np.random.default_rng(0)
    emotion = np.array([*KNOWN, *UNKNOWN] * 5)
    near = np.array([0, 1, 0, 1] * 5)
    texts = np.stack([direction(word) for word in ('happy', 'sad')])
    other = np.stack([direction(dict(anger='angry', fear='fearful').get(name, f'clip {i}'))
                      for i, name in enumerate(emotion)])
    feature = texts[near] + other + rng.normal(0, 0.005, (20, 512))
    logits = feature @ texts.T
    return dict(feature=feature, emotion=emotion, logits=logits, pred=logits.argmax(1),
                score=logits.max(1), class_text=texts, classes=np.array(KNOWN),
                label=np.array([KNOWN.index(e) if e in KNOWN else -1 for e in emotion]))


def known_of(dump):
    rows = dump['label'] >= 0
    return dict(feature=dump['feature'][rows], label=dump['label'][rows])


# The rule

def test_no_name_and_no_synonym_of_an_emotion_is_left():
    lexicon = read_lexicon()
    for emotions in (MAFW[:7], MAFW, ['anger'], ['contempt', 'fear']):
        left = words_left(lexicon, emotions)
        assert not set(left.values()) & set(emotions)
        assert left == {w: n for w, n in lexicon.items() if n not in emotions}
        assert list(left) == [word for word in lexicon if word in left]
    assert set(words_left(lexicon, MAFW)) >= {'proud', 'bored'}
    assert words_left(lexicon, []) == lexicon


def test_a_compound_stands_for_its_parts():
    lexicon = dict(furious='anger', sick='disgust', sad='sadness', bored='bored',
                   appalled='anger_disgust')
    assert words_left(lexicon, ['anger_disgust']) == dict(sad='sadness', bored='bored')
    assert words_left(lexicon, ['anger']) == dict(sick='disgust', sad='sadness', bored='bored')
    every = words_left(read_lexicon(), MAFW_COMPOUNDS)
    assert not set(every.values()) & (set(MAFW) - {'neutral'}) and 'neutral' in every


def test_a_word_that_is_itself_a_spelling_goes_without_a_name_behind_it():
    lexicon = {word: word for word in ('angry', 'joy', 'happy surprised', 'bored')}
    assert words_left(lexicon, ['anger', 'happiness']) == dict(bored='bored')
    assert set(words_left(lexicon, ['surprise'])) == {'angry', 'joy', 'bored'}


# The texts

def test_texts_of_words_and_of_pairs(tower):
    fields = word_fields(tower, ['bored', 'let down', 'angry'], ['anger', 'fear'])
    assert fields['word_text'].shape == (3, tower.out_channels)
    assert fields['pair_text'].shape == (2, 3, tower.out_channels)
    with torch.no_grad():
        for text, sentence in ((fields['word_text'][1], 'a photo of a let down expression'),
                               (fields['pair_text'][1, 0],
                                'a photo of a fearful and bored expression')):
            one = tower.encode_text([sentence])[0].numpy()
            np.testing.assert_allclose(text, one / np.linalg.norm(one), atol=1e-5)


# The rows

def test_every_score_of_words_has_a_row_that_was_not_told(dump):
    tower = WordTower()
    scores, reasons = word_scores(dump, known_of(dump), tower, read_lexicon())
    assert set(scores) | set(reasons) == {n + end for n in OF_WORDS for end in ('', POSSIBLE)}
    known = dump['label'] >= 0
    told, honest = (auroc(scores[name][known], scores[name][~known])
                    for name in ('neglabel' + POSSIBLE, 'neglabel'))
    assert told > 0.99 and honest < 0.75
    # By hand: what is left of the lexicon when anger, fear, happiness and sadness are gone.
    words = [word for word, name in read_lexicon().items() if name not in KNOWN + UNKNOWN]
    text, f = np.stack([direction(word) for word in words]), dump['feature']
    f = f / np.linalg.norm(f, axis=1, keepdims=True)
    yes, no = (np.exp(100 * (f @ t.T)).sum(1) for t in (dump['class_text'], text))
    np.testing.assert_allclose(scores['neglabel'], yes / (yes + no), rtol=1e-9)


def test_what_the_dump_does_not_hold_decides_no_word(dump):
    """The known names always go, though no clip of them is in the test part."""
    rows = dump['emotion'] != 'sadness'
    part = {key: values[rows] if len(values) == len(rows) else values
            for key, values in dump.items()}
    train = known_of(dump)
    found, whole = (word_scores(each, train, WordTower(), read_lexicon())[0]
                    for each in (part, dump))
    np.testing.assert_allclose(found['neglabel'], whole['neglabel'][rows], rtol=1e-9)


def test_reasons(dump):
    tower = WordTower()
    scores, reasons = word_scores(dump, None, tower, dict(furious='anger', sad='sadness'))
    assert reasons['neglabel'] == 'no word of the lexicon is left' and 'neglabel' not in scores
    scores, reasons = word_scores(dump, None, tower, read_lexicon())
    assert 'train_features.npz' in reasons['interneg'] and 'neglabel' in scores
    with pytest.raises(InputError, match='are 7 wide and those of the words'):
        word_scores(dict(dump, class_text=np.ones((2, 7))), None, tower, read_lexicon())
    del dump['class_text']
    assert 'class_text' in word_scores(dump, None, tower, read_lexicon())[1]['eoe']


@pytest.mark.ci
def test_rescore_prints_both_rows(dump, tmp_path, tool_module, monkeypatch, capsys):
    tower = CLIPTextTower('small_face_clip', 'embedded')
    texts = encode_words(tower, ['happy', 'sad', 'angry', 'fearful'])
    dump.update(class_text=texts[:2], feature=texts[[0, 1, 2, 3] * 5]
                + np.random.default_rng(0).normal(0, 0.1, (20, tower.out_channels)))
    save_dump(dump, tmp_path / 'predictions.npz')
    save_dump(known_of(dump), tmp_path / 'train_features.npz')
    module = tool_module('analysis/rescore.py')

    def lines(*arguments):
        monkeypatch.setattr(sys, 'argv', ['rescore', str(tmp_path / 'predictions.npz'), '--train',
                                          str(tmp_path / 'train_features.npz'), *arguments])
        module.main()
        return {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    left_out = '101 of 112 words of the lexicon are left out: this CLIP has no embedding for them'
    without = lines()
    assert 'needs texts of words' in without['eoe'] and 'eoe' + POSSIBLE not in without
    with_words = lines('--words', '--config', str(ROOT / 'configs/clip_zeroshot_afew_o34.py'),
                       '--cfg-options', 'clip.arch=small_face_clip', 'clip.pretrained=embedded')
    for name in ('eoe', 'neglabel', 'negrefine'):
        for row in (name, name + POSSIBLE):
            assert 'not computed' not in with_words[row] and row in with_words
    assert left_out in with_words.values() and left_out not in without.values()
    assert with_words['eoe'].split()[1:] != with_words['eoe' + POSSIBLE].split()[1:]
    with pytest.raises(InputError, match='holds 0 configs.*--config'):
        lines('--words')
