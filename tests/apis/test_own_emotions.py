"""Emotions that do not ship, through configs, tools and checkpoints."""
import json

import numpy as np
import pytest
from mmengine.config import Config
from test_tools import CONFIG, ROOT, command, tool

from hesp_mmaction.apis import HESPInferencer
from hesp_mmaction.apis.emotion_wiring import vocabulary_of
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.datasets.emotions import MAFW, SHIPPED, in_force, use
from hesp_mmaction.datasets.feature_file import read_features
from hesp_mmaction.datasets.lists import read_list
from hesp_mmaction.datasets.splits import read_known_sets
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import load_dump
from hesp_mmaction.evaluation.naming import read_lexicon
from hesp_mmaction.models.checkpoints import read_checkpoint
from hesp_mmaction.models.prompts import text
from hesp_mmaction.models.prompts.descriptions import descriptions_of
from hesp_mmaction.models.prompts.text import CLIPTextTower, PromptLearner

EXAMPLE = ROOT / 'configs/own_emotions.yaml'
OWN = ('boredom', 'confusion', 'pride')


def read(known=None, **options):
    """The HESP config after a command line."""
    cfg = Config.fromfile(CONFIG)
    override(cfg, options, known)
    return cfg


@pytest.fixture(scope='module')
def drawn(tmp_path_factory):
    """Drawn clips of the three emotions of the example: 3 in training, 2 in the test."""
    folder = tmp_path_factory.mktemp('own') / 'data'
    tool('tools/data/make_synthetic.py', '--layout', 'afew', '--emotions', EXAMPLE, '--out', folder,
         '--per-class', 3, 2)
    return folder


def test_a_config_without_emotions_of_its_own_stays_as_it_is():
    cfg = read(['Fear', 'joy'])
    assert 'emotions' not in cfg and list(cfg.known) == ['fear', 'happiness']
    assert 'classes' not in cfg.test_dataloader.dataset and in_force() is SHIPPED


def test_the_content_of_a_file_is_put_into_the_config(tmp_path):
    cfg = read(['Bored', 'proud', 'anger'], emotions=str(EXAMPLE))
    assert list(cfg.known) == list(cfg.model.known) == ['boredom', 'pride', 'anger']
    assert cfg.emotions.boredom.word == 'bored' and not in_force().open
    assert cfg.test_dataloader.dataset.classes == 'found'
    use(SHIPPED)
    cfg.dump(tmp_path / 'dumped.py')  # as mmengine does into the work dir
    again = Config.fromfile(tmp_path / 'dumped.py')
    override(again)
    assert again.emotions == cfg.emotions and again.known == cfg.known
    assert in_force().emotions == vocabulary_of(EXAMPLE).emotions
    override(Config.fromfile(CONFIG))
    assert in_force() is SHIPPED  # the last config that was read counts


def test_a_dict_a_list_and_a_word_are_a_content_too():
    for emotions in (dict(awe=None), ['awe'], ('awe',), 'awe', {'awe.word': 'awe'}):
        options = {f'emotions.{key}': value for key, value in emotions.items()} if isinstance(
            emotions, dict) and 'awe.word' in emotions else dict(emotions=emotions)
        assert read(['awe', 'fear'], **options).emotions.to_dict() == dict(awe=dict(word='awe'))
    cfg = read(['zeal', 'awe'], emotions=dict(replace=True, awe=None, zeal=None))
    assert tuple(in_force().emotions) == ('awe', 'zeal') and cfg.emotions['replace'] is True


@pytest.mark.parametrize(('known', 'options', 'message'), [
    (['suprise', 'fear'], {}, "'suprise' is no emotion: did you mean surprise"),
    (['boredom', 'boredum'], {}, 'did you mean boredom'),
    (['deep pride', 'fear'], {}, "'deep pride' cannot name"),
    (None, dict(emotions='none.yaml'), 'no file none.yaml'),
    (None, dict(emotions=dict(awe=dict(wrod='x'))), "'wrod'; did you mean word"),
    (None, dict(emotion='x.yaml'), "did you mean 'emotions'"),
    (None, dict(emotions=3), "not '3'")])
def test_what_cannot_be_meant_is_one_line(known, options, message):
    with pytest.raises(InputError, match=message):
        read(known, **options)


def test_lists_may_use_other_words_if_the_known_ones_are_given_on_the_fly(tmp_path):
    path = tmp_path / 'list.txt'
    path.write_text('a.mp4 boredom\nb.mp4 Pride\nc.mp4 suprise\n')
    read()
    assert len(read_list(path)[1]) == 3  # nobody has said what these are
    read(['boredom', 'fear'])
    clips, problems = read_list(path)
    assert [clip.emotion for clip in clips] == ['boredom', 'pride']
    assert len(problems) == 1 and 'label suprise is no emotion: did you mean surprise?' in \
        problems[0]
    table = tmp_path / 'list.csv'
    table.write_text('path,label\na.mp4,boredom\nb.mp4,awe\n')
    assert [clip.emotion for clip in read_list(table)[0]] == ['boredom', 'awe']
    read(emotions='boredom')
    assert len(read_list(path)[1]) == 2  # declared words alone


def test_descriptions_are_asked_for_where_they_are_missing():
    use(vocabulary_of(dict(awe=None, calm=dict(description='level brows'))))
    assert descriptions_of(['calm'])['calm'] == 'level brows'
    with pytest.raises(InputError, match='no description of awe: write one'):
        descriptions_of(['calm', 'awe'])


def test_words_without_an_embedding_are_named_once(monkeypatch):
    said = []
    monkeypatch.setattr(text, 'print_log', lambda message, *_: said.append(message))
    tower = CLIPTextTower('small_face_clip', 'embedded')
    use(vocabulary_of(dict(awe=None, calm=dict(word='closed eyes'), zeal=dict(word='zealous'))))
    for _ in range(2):
        PromptLearner(tower, ['anger', 'awe', 'calm', 'zeal'], 4)
    assert len(said) == 1 and '(awe: "awe"; zeal: "zealous")' in said[0]


def test_a_text_longer_than_the_context_names_its_emotion(tiny_options):
    # It reads 40 tokens.
    tower = CLIPTextTower(tiny_options['clip.arch'], tiny_options['clip.pretrained'])
    use(vocabulary_of(dict(awe=dict(word=' '.join(['wide'] * 30)))))
    PromptLearner(tower, ['anger', 'awe'], 7)
    with pytest.raises(InputError, match='text of awe has 30 tokens, and beside 8 contexts.* 29'):
        PromptLearner(tower, ['anger', 'awe'], 8)


def test_the_lexicon_follows_the_vocabulary(tmp_path):
    before = read_lexicon()
    assert before['bored'] == 'bored' and before['furious'] == 'anger'
    use(vocabulary_of(dict(boredom=dict(word='bored', aliases=['bored']), zeal=None,
                           rage=dict(aliases=['furious']))))
    after = read_lexicon()
    assert {word: name for word, name in after.items() if before.get(word) != name} == dict(
        bored='boredom', zeal='zeal', furious='rage')
    own = tmp_path / 'words.txt'
    own.write_text('weary = Bored\nbored\nzealous\n')
    assert read_lexicon(own) == dict(weary='boredom', bored='boredom', zealous='zealous')
    use(vocabulary_of(dict(replace=True, awe=None, zeal=None)))
    assert read_lexicon()['furious'] == 'anger'  # the names of the lexicon itself stay
    with pytest.raises(InputError, match='line 1: unknown emotion'):
        read_lexicon(own)


@pytest.mark.ci
def test_three_own_emotions_from_clips_to_a_report(drawn, tiny_options, tmp_path):
    """Only --known is said; the config of the work dir and the checkpoint know the rest."""
    options = {**tiny_options, 'data_root': str(drawn), 'cache': 'none'}
    run, again = tmp_path / 'run', tmp_path / 'again'
    tool('tools/train.py', CONFIG, '--known', 'boredom', 'confusion', '--work-dir', run,
         *command(options))
    dump, written = load_dump(run / 'predictions.npz'), run / 'hesp_afew_o34.py'
    assert sorted(set(dump['emotion'])) == list(OWN) and list(dump['classes']) == list(OWN[:2])
    assert set(dump['label'][dump['emotion'] == 'pride']) == {-1}
    log = next(run.glob('*/*.log')).read_text()
    assert 'own, with their words in prompts: boredom ("boredom"), confusion' in log
    assert list(Config.fromfile(written).emotions) == sorted([*OWN, 'open'])
    checkpoint = read_checkpoint(run / 'epoch_1.pth')
    assert set(checkpoint['hesp']['emotions']) == {*OWN, 'open'}

    use(SHIPPED)
    tool('tools/test.py', written, run / 'epoch_1.pth', '--work-dir', again)
    for key in ('emotion', 'score', 'pred_emotion'):
        assert load_dump(again / 'predictions.npz')[key].tolist() == dump[key].tolist()

    use(SHIPPED)
    out = tmp_path / 'infer.json'
    tool('tools/infer.py', drawn / 'Val_AFEW/Pride', '--config', CONFIG, '--checkpoint',
         run / 'epoch_1.pth', '--json', out, *command(options))
    rows = json.loads(out.read_text())
    assert len(rows) == 2 and {row['best_known'] for row in rows} <= {*OWN[:2]}

    for words in (['make_report.py', run, '--data-root', drawn], ['name_unknown.py', run],
                  ['rescore.py', run / 'predictions.npz', '--words']):
        use(SHIPPED)
        assert tool(f'tools/analysis/{words[0]}', *words[1:]).returncode == 0
    assert 'confusion' in (run / 'report.html').read_text()
    assert (run / 'naming.csv').is_file()

    # The same known emotion with another word in its prompt is another model.
    with pytest.raises(InputError, match="with the word 'boredom' for boredom, and here it is"):
        HESPInferencer(CONFIG, run / 'epoch_1.pth', 'cpu',
                       cfg_options=dict(options, emotions=str(EXAMPLE)))


def test_tools_without_a_config_take_the_emotions_too(tmp_path):
    (tmp_path / 'list.txt').write_text('a.mp4 Bored\nb.mp4 \u00dcberdruss\n', encoding='utf-8')
    words = ['tools/data/convert_list.py', tmp_path / 'list.txt', tmp_path / 'new.csv', '--to',
             'csv']
    assert 'label Bored is no emotion' in tool(*words, check=False).stderr
    own = tmp_path / 'own.yaml'
    own.write_text('\u00fcberdruss: {aliases: [bored]}', encoding='utf-8')
    tool(*words, '--emotions', own)
    assert (tmp_path / 'new.csv').read_text(encoding='utf-8').splitlines()[1:] == [
        'a.mp4,\u00fcberdruss', 'b.mp4,\u00fcberdruss']
    tool(*words, '--emotions', 'bored,\u00dcberdruss')
    assert 'bored' in (tmp_path / 'new.csv').read_text(encoding='utf-8')


def test_a_file_of_features_takes_own_emotions(tmp_path):
    path = tmp_path / 'own.npz'
    rows = np.zeros((3, 4), np.float32)
    np.savez(path, train_features=rows, train_emotion=np.array(OWN), test_features=rows,
             test_emotion=np.array(OWN))
    with pytest.raises(InputError, match='no emotion.*boredom.*docs/own_emotions.md'):
        read_features(path)
    use(SHIPPED.with_words('boredom'))
    assert read_features(path)['test'].emotions == OWN


def test_known_sets_of_own_words(tmp_path):
    (tmp_path / 'sets.txt').write_text('boredom, confusion\nBoredom, proud\n')
    assert read_known_sets(tmp_path / 'sets.txt') == [
        ('boredom', 'confusion'), ('boredom', 'proud')]
    use(vocabulary_of(EXAMPLE))
    assert read_known_sets(tmp_path / 'sets.txt')[1] == ('boredom', 'pride')


def test_only_what_has_action_units_is_drawn(tmp_path):
    def make(text, *flags):
        path = tmp_path / 'my.yaml'
        path.write_text(text)
        done = tool('tools/data/make_synthetic.py', '--emotions', path, '--out', tmp_path / 'out',
                    *flags, check=False)
        assert done.returncode == 1
        return done.stderr

    afew = ('--layout', 'afew')
    assert 'no emotion has action_units' in make('awe: {word: awed}', *afew)
    assert 'awe: action_units: AU99 cannot be drawn' in make('awe: {action_units: {AU99: 1}}',
                                                            *afew)
    assert 'give --layout afew' in make('awe: {action_units: {AU12: 1}}', '--layout', 'mafw')
    assert 'did you mean action_units' in make('awe: {action_unit: {AU12: 1}}', *afew)


def test_the_example_is_what_the_docs_say():
    vocabulary = vocabulary_of(EXAMPLE)
    assert tuple(vocabulary.emotions) == (*MAFW, *OWN)
    assert all(vocabulary.emotions[name].description and vocabulary.emotions[name].action_units
               for name in OWN)
