"""Vocabularies: what a content may say, what it becomes, and one clear message for all else."""
import pickle

import pytest

from hesp_mmaction.datasets import emotions
from hesp_mmaction.datasets.emotion_content import read_content
from hesp_mmaction.datasets.emotions import MAFW, SHIPPED, use
from hesp_mmaction.datasets.vocabulary import Vocabulary
from hesp_mmaction.errors import InputError

OWN = dict(boredom=dict(word='bored', aliases=['bored', 'weary'], adverbs=['boredly'],
                        description='drooping lids', action_units=dict(AU43=0.7)), pride=None)


def test_own_emotions_stand_beside_those_that_ship():
    own = SHIPPED.extended(OWN)
    assert tuple(own.emotions) == (*MAFW, 'boredom', 'pride')
    assert own.canonical('WEARY') == 'boredom' and own.canonical('pride') == 'pride'
    assert own.canonical('Boredly Surprised') == own.canonical('bored+surprise') == \
        'surprise_boredom'
    assert own.canonical('pride_boredom_anger') == 'anger_boredom_pride'
    assert own.emotions['pride'].word == 'pride' and own.emotions['boredom'].word == 'bored'
    assert own.emotions['boredom'].description == 'drooping lids'
    assert own.compounds == SHIPPED.compounds
    assert tuple(SHIPPED.emotions) == MAFW  # never changed


def test_names_alone_are_enough():
    assert tuple(SHIPPED.extended(['zeal', 'awe']).emotions) == (*MAFW, 'awe', 'zeal')


def test_accents_are_one_letter_in_every_form_of_unicode():
    apart, composed = 'ge\u0302ne', 'g\u00eane'  # as macOS writes it in names of folders
    for written in (apart, composed):
        own = SHIPPED.extended({written: dict(aliases=[apart + 'e'])})
        assert list(own.emotions)[-1] == composed
        assert {own.canonical(text) for text in (apart, composed.upper(), composed + 'e')} == {
            composed}


def test_a_shipped_emotion_is_changed_in_what_is_said():
    own = SHIPPED.extended(dict(happiness=dict(word='joyful')))
    assert own.emotions['happiness'].word == 'joyful'
    assert own.emotions['happiness'].aliases == SHIPPED.emotions['happiness'].aliases
    assert tuple(own.emotions) == MAFW


def test_replace_leaves_nothing_else():
    own = SHIPPED.extended(dict(replace=True, joy=None, calm=None))
    assert tuple(own.emotions) == ('calm', 'joy') and own.compounds == ()
    with pytest.raises(InputError, match='calm, joy'):
        own.canonical('anger')


@pytest.mark.parametrize('content', [
    OWN, dict(replace=True, zeal=None, awe=dict(word='awed')), dict(happiness=dict(word='joyful')),
    dict(open=True, boredom=None), dict(compounds=['surprise_pride'], pride=None), {}])
def test_content_makes_the_same_vocabulary_again(content):
    own = SHIPPED.extended(content)
    again = own.content(SHIPPED)
    for copy in (again, dict(sorted(again.items(), reverse=True))):  # mmengine sorts keys
        made = SHIPPED.extended(copy)
        assert list(made.emotions.items()) == list(own.emotions.items())
        assert (made.open, made.compounds) == (own.open, own.compounds)
    assert (again == {}) == (content == {})
    assert pickle.loads(pickle.dumps(own)).emotions == own.emotions


def test_words_on_the_fly_make_the_vocabulary_open():
    own = SHIPPED.with_words('confusion').with_words('Happy').with_words('boredom_confusion')
    assert tuple(own.emotions) == (*MAFW, 'boredom', 'confusion') and own.open
    assert own.emotions['boredom'].word == 'boredom'
    assert SHIPPED.with_words('Happily Surprised') is SHIPPED and not SHIPPED.open


@pytest.mark.parametrize(('word', 'meant'), [
    ('suprise', 'surprise'), ('hapiness', 'happiness'), ('Sadnes', 'sadness'), ('feer', 'fear'),
    ('boredum', 'boredom'), ('disapointed', 'disappointed')])
def test_near_misses_are_asked_about(word, meant):
    with pytest.raises(InputError, match=f'did you mean {meant}.*emotions={word.lower()}'):
        SHIPPED.extended(['boredom']).with_words(word)
    declared = SHIPPED.extended([word])  # if it is meant
    assert declared.with_words(word) is declared


def test_ordinary_words_are_no_near_misses():
    for word in ('boredom confusion pride interest amusement relief grief shame guilt awe calm '
                 'love hope envy contentment concentration fatigue pain frustration curiosity '
                 'excitement doubt admiration jealousy rage nostalgia embarrassment').split():
        assert SHIPPED.with_words(word).canonical(word) == word


@pytest.mark.parametrize(('content', 'message'), [
    (dict(boredom=dict(aliases=['dull']), pride=dict(aliases=['Dull'])), "'dull'.*boredom.*pride"),
    (dict(joy=None), "'joy' stands for both happiness and joy"),
    (dict(pride=dict(aliases=['anger'])), "'anger' stands for both"),
    ({'Boredom': None, 'boredom ': None}, "'Boredom' and 'boredom ' are one name"),
    (['pride', 'Pride'], 'a name occurs twice'),
    ([dict(pride=dict(word='proud'))], 'write "boredom: {word: bored}" without the "-"'),
    (dict(pride=dict(word='happy')), "happiness and pride have the same word 'happy'"),
    (dict(pride=dict(discription='x')), "unknown key 'discription'; did you mean description"),
    (dict(pride=dict(colour='x')), "unknown key 'colour'; the keys are word, description"),
    (dict(pride=dict(word='')), 'word must be a text'),
    (dict(pride=dict(description=3)), 'description must be a text'),
    (dict(pride=dict(description='a ' * 76)), 'its description has 76 words.*shorten'),
    (dict(pride=dict(aliases='proud')), 'aliases must be a list'),
    (dict(pride=dict(aliases=['very proud'])), "'very proud' is not one word"),
    (dict(pride=dict(action_units=dict(AU12=2))), 'AU12: 2 is no unit'),
    (dict(pride=dict(action_units=dict(smile=0.5))), 'smile: 0.5 is no unit'),
    (dict(pride=dict(action_units=['AU12'])), 'write units and strengths'),
    (dict(pride='proud'), 'write its properties as a dict'),
    ({False: None}, 'put no, yes, on, off in quotes'),
    ({'deep pride': None}, "'deep pride' cannot name an emotion: a name is one word"),
    ({'': None}, 'one word'), (dict(unknown=None), "'unknown' cannot name.*does not know"),
    (dict(undecodable=None), 'cannot be decoded'),
    ({'class': None}, 'one of Python'),
    (dict(replace='yes', pride=None), 'replace must be true or false'),
    (dict(replace=True), 'there must be emotions'),
    (dict(compounds=['anger_awe']), "compounds: unknown emotion 'anger_awe'"),
    (dict(compounds='anger_fear'), 'compounds must be a list'),
    ('pride', "not 'pride'"), (3, "not '3'")])
def test_what_cannot_be_used_is_one_message(content, message):
    with pytest.raises(InputError, match=message) as error:
        SHIPPED.extended(content, 'my.yaml')
    assert str(error.value).startswith('my.yaml') and '\n' not in str(error.value)


@pytest.mark.parametrize(('text', 'message'), [
    ('boredom: [', 'line 1 is no YAML'), ('a: 1\na: 2', "line 2 is no YAML: the key 'a' is there"),
    ('boredom:\n  word: a\n  word: b', "line 3.*'word' is there twice"), ('', 'is empty'),
    ('a: !!python/object/apply:os.system [ls]', 'is no YAML'), ('? [a]\n: b', 'is no YAML'),
    (b'\xff\xfe\x00', 'is not a text in UTF-8'), ('a: 2024-13-45', 'is no YAML'),
    ('[' * 3000, 'is no YAML')])
def test_a_file_that_is_no_yaml_is_one_message(tmp_path, text, message):
    path = tmp_path / 'my.yaml'
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=f'emotions: .*my.yaml.*{message}') as error:
        read_content(path)
    assert '\n' not in str(error.value)


def test_a_file_that_is_not_there_is_one_message(tmp_path):
    with pytest.raises(InputError, match='there is no file .*none.yaml'):
        read_content(tmp_path / 'none.yaml')
    with pytest.raises(InputError, match='cannot be read'):
        read_content(tmp_path)


def test_functions_follow_the_vocabulary_in_force():
    assert emotions.emotion_of('bored') is None and emotions.prompt_word('happy') == 'happy'
    use(SHIPPED.extended(dict(OWN, happiness=dict(word='joyful'))))
    assert emotions.emotion_of('bored') == 'boredom'
    assert emotions.prompt_word('anger_boredom') == 'angry and bored'
    assert emotions.prompt_word('happy') == 'joyful'
    assert emotions.description_of('bored') == 'drooping lids'
    assert emotions.description_of('pride') is emotions.description_of('anger_boredom') is None
    assert emotions.is_adverb('Boredly') and emotions.is_adverb('sadly')
    assert not emotions.is_adverb('bored')
    assert not emotions.ships('boredom') and not emotions.ships('anger_happiness')
    assert emotions.ships('anger_fear')


def test_labels_become_emotions_in_an_open_vocabulary_alone():
    assert emotions.label_of('pride') is None
    told = set()
    assert emotions.no_emotion('pride', told) == (
        'no emotion (--cfg-options emotions=pride makes it one)')
    assert emotions.no_emotion('Pride', told) == 'no emotion'  # once is enough
    use(SHIPPED.with_words('boredom'))
    assert emotions.label_of('Pride') == 'pride' and 'pride' in emotions.in_force().emotions
    assert emotions.label_of('awe_boredom') == 'awe_boredom'
    for text in ('suprise', 'very proud', '3', '', 'a.mp4', 'unknown'):
        assert emotions.label_of(text) is None
    assert 'did you mean surprise?' in emotions.no_emotion('suprise', set())


def test_an_empty_vocabulary_has_no_emotion():
    with pytest.raises(InputError, match='unknown emotion'):
        Vocabulary().canonical('anger')
