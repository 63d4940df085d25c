"""Names and clusters of unknown samples, against other ways to compute the same."""
import csv
import json
import shutil
from itertools import permutations, product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from sklearn.metrics import top_k_accuracy_score
from torch.nn.functional import cosine_similarity

from hesp_mmaction.apis import naming, naming_tables
from hesp_mmaction.apis.protocol import run_split
from hesp_mmaction.datasets.emotions import MAFW, PROMPT_WORDS
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import load_dump
from hesp_mmaction.evaluation.clusters import (
    cluster,
    cluster_accuracy,
    cluster_measures,
    name_clusters,
)
from hesp_mmaction.evaluation.name_accuracy import chance_accuracy, name_accuracy
from hesp_mmaction.evaluation.naming import (
    candidates,
    emotion_lexicon,
    encode_words,
    rank_names,
    read_lexicon,
    readable,
    similarities,
    suggest,
)
from hesp_mmaction.models.prompts.text import CLIPTextTower

ROOT = Path(__file__).parents[2]
LEXICON = dict(angry='anger', furious='anger', sad='sadness', bored='bored')


# The lexicon

def test_the_shipped_lexicon_has_every_canonical_name_and_words_beyond():
    lexicon = read_lexicon()
    assert 60 <= len(lexicon) <= 150
    assert {PROMPT_WORDS[name]: name for name in MAFW}.items() <= lexicon.items()
    beyond = {word for word, name in lexicon.items() if name not in MAFW}
    assert {'proud', 'bored', 'awestruck'} <= beyond and all(lexicon[w] == w for w in beyond)


def test_a_lexicon_of_ones_own(tmp_path):
    path = tmp_path / 'words.txt'
    path.write_text('\ufeff# mine\n\nFurious =  Angry # comment\nlet   down = disappointed\nsmug\n',
                    encoding='utf-8')
    assert read_lexicon(path) == {'furious': 'anger', 'let down': 'disappointment', 'smug': 'smug'}


@pytest.mark.parametrize('text, message', [
    ('sad\nfurious = angre', 'line 2: unknown emotion .angre.'),
    ('smug\n\nSmug', "line 3: the word 'smug' is there already"),
    ('sad =', "line 1: write 'word' or 'word = emotion'"),
    ('= anger', "line 1: write 'word' or 'word = emotion'"),
    ('# nothing', 'has no word')])
def test_lines_that_cannot_be_used_are_named(tmp_path, text, message):
    path = tmp_path / 'words.txt'
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_lexicon(path)
    with pytest.raises(InputError, match='no lexicon'):
        read_lexicon(tmp_path / 'other.txt')
    path.write_bytes(b'\xff\xfe\x00')
    with pytest.raises(InputError, match='UTF-8'):
        read_lexicon(path)


def test_words_of_known_emotions_are_no_candidates():
    assert candidates(LEXICON, ['anger']) == dict(sad='sadness', bored='bored')
    with pytest.raises(InputError, match='known emotions only'):
        candidates(dict(sad='sadness'), ['sadness'])
    assert emotion_lexicon(['sadness', 'anger_disgust', 'sadness']) == {
        'sad': 'sadness', 'angry and disgusted': 'anger_disgust'}


def test_words_without_an_embedding_are_left_out():
    embeddings = torch.ones(4, 2)
    embeddings[2] = 0
    tower = SimpleNamespace(token_embedding=torch.nn.Embedding.from_pretrained(embeddings),
                            tokenizer=SimpleNamespace(encode=dict(sad=[0], bored=[1, 2]).get))
    assert readable(tower, dict(sad='sadness', bored='bored')) == dict(sad='sadness')


def test_the_embedded_clip_reads_the_eleven_names():
    tower = CLIPTextTower('small_face_clip', 'embedded')
    left = readable(tower, read_lexicon())
    assert set(left.values()) == set(MAFW)
    texts = encode_words(tower, left)
    assert np.allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-6)
    one = tower.encode_text(['a photo of a happy expression'])[0].detach().numpy()
    assert np.allclose(texts[list(left).index('happy')], one / np.linalg.norm(one), atol=1e-5)


# Ranking

def test_similarities_are_cosines_and_centring_takes_off_the_mean_of_the_known():
    rng = np.random.default_rng(0)
    features, texts, train = (rng.normal(size=(n, 5)) for n in (4, 3, 6))
    plain = similarities(features, texts)
    mean = torch.stack([cosine_similarity(torch.tensor(t)[None], torch.tensor(train)).mean()
                        for t in texts])
    for i, j in product(range(4), range(3)):
        cosine = cosine_similarity(torch.tensor(features[i]), torch.tensor(texts[j]), dim=0)
        assert plain[i, j] == pytest.approx(float(cosine))
        assert similarities(features, texts, train)[i, j] == pytest.approx(
            float(cosine - mean[j]))
    assert np.allclose(similarities(train, texts, train).mean(0), 0)
    assert np.allclose(similarities(7 * features, 3 * texts, 9 * train),
                       similarities(features, texts, train))
    assert similarities(features[:0], texts).shape == (0, 3)
    with pytest.raises(InputError, match='4 wide and texts 5'):
        similarities(features[:, :4], texts)


def test_centring_takes_away_a_word_that_fits_every_face():
    rng = np.random.default_rng(1)
    texts = np.eye(6)[:4]
    truth = rng.integers(0, 4, 200)
    liked = 2 * texts[2]  # in all videos, known or not
    features = texts[truth] + liked + .1 * rng.normal(size=(200, 6))
    train = np.eye(6)[4 + rng.integers(0, 2, 50)] + liked + .1 * rng.normal(size=(50, 6))
    names = list('abcd')
    right = [names[i] for i in truth]
    plain = name_accuracy(rank_names(features, texts), names, right, 1)
    centred = name_accuracy(rank_names(features, texts, train), names, right, 1)
    assert plain < .3 and centred > .95


def test_suggestions_are_the_ranking_without_the_known():
    rng = np.random.default_rng(2)
    feature, texts, train = rng.normal(size=5), rng.normal(size=(4, 5)), rng.normal(size=(3, 5))
    found = suggest(feature, LEXICON, texts, known=['sadness'], train_features=train, top=2)
    order = rank_names(feature[None], texts, train)[0]
    words = [list(LEXICON)[i] for i in order if list(LEXICON)[i] != 'sad']
    assert [word for word, _ in found] == words[:2] and found[0][1] >= found[1][1]
    assert len(suggest(feature, LEXICON, texts, top=9)) == 4


# Accuracy of names

def test_the_first_names_not_the_first_words_count():
    names = list(LEXICON.values())
    order = np.array([[0, 1, 2, 3], [3, 1, 0, 2]])  # anger, sadness, bored; bored, anger, sadness
    truth = ['sadness', 'sadness']
    assert [name_accuracy(order, names, truth, k) for k in (1, 2, 3)] == [0, .5, 1]
    assert name_accuracy(order, names, ['anger', 'awe'], 3) == .5
    assert np.isnan(name_accuracy(order[:0], names, [], 1))


@pytest.mark.parametrize('k', [1, 2, 3])
def test_accuracy_of_one_word_a_name_is_sklearns_top_k(k):
    rng = np.random.default_rng(3)
    found, truth = rng.normal(size=(50, 5)), rng.integers(0, 5, 50)
    order = np.argsort(-found, 1)
    assert name_accuracy(order, range(5), truth, k) == pytest.approx(
        top_k_accuracy_score(truth, found, k=k, labels=range(5)))


def test_chance_is_the_mean_over_all_orders():
    names = ['a', 'a', 'a', 'b', 'c', 'c']
    for k, truth in product((1, 2), (['a'], ['b', 'c'], ['a', 'unheard'])):
        every = np.mean([name_accuracy([order] * len(truth), names, truth, k)
                         for order in permutations(range(6))])
        assert chance_accuracy(names, truth, k) == pytest.approx(every, abs=.03)
    assert chance_accuracy(list('abcd'), ['b', 'd'], 3) == .75
    assert chance_accuracy(list('ab'), ['b'], 3) == 1
    assert np.isnan(chance_accuracy(list('ab'), [], 1))


# Clusters

@pytest.mark.parametrize('k, emotions', [(4, 4), (2, 4), (5, 3)])
def test_cluster_accuracy_is_the_best_over_all_matchings(k, emotions):
    rng = np.random.default_rng(k)
    for _ in range(20):
        clusters, truth = rng.integers(0, k, 12), rng.integers(0, emotions, 12)
        most = max(k, emotions)
        best = max(np.mean(np.array(match)[clusters] == truth)
                   for match in permutations(range(most), most))
        assert cluster_accuracy(clusters, truth) == pytest.approx(best)


def test_measures_know_nothing_of_the_numbers_of_clusters():
    truth = np.array(['fear', 'fear', 'anger', 'anger', 'disgust'])
    right = np.array([2, 2, 0, 0, 1])
    assert cluster_measures(right, truth) == pytest.approx(dict(NMI=100, ARI=100, cluster_ACC=100))
    one = cluster_measures(np.zeros(5, int), truth)
    assert one == pytest.approx(dict(NMI=0, ARI=0, cluster_ACC=40))


def test_directions_are_clustered_not_lengths():
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 3, 60)
    features = np.eye(8)[truth] + .05 * rng.normal(size=(60, 8))
    features *= rng.uniform(.1, 100, (60, 1))
    assert cluster_accuracy(cluster(features, 3), truth) == 1
    assert np.array_equal(cluster(features, 3), cluster(features, 3))
    # Where all samples share something, only a difference to it has a direction; the known tell.
    shared = np.eye(8)[5] * 1e4
    known = rng.normal(size=(200, 8)) + shared
    assert cluster_accuracy(cluster(features + shared, 3), truth) < .9
    assert cluster_accuracy(cluster(features + shared, 3, known), truth) == 1
    for k in (0, 61):
        with pytest.raises(InputError, match=f'do not make {k} clusters'):
            cluster(features, k)


def test_cluster_names_are_the_best_of_all_ways_to_give_them_out():
    rng = np.random.default_rng(5)
    lexicon = LEXICON | dict(scared='fear', afraid='fear')
    clusters = np.array([0, 0, 1, 2, 2, 2])
    for _ in range(20):
        found = rng.normal(size=(6, 6))
        named = name_clusters(clusters, found, lexicon)
        means = [found[clusters == c].mean(0) for c in range(3)]
        best = max((words for words in permutations(lexicon, 3)
                    if len({lexicon[word] for word in words}) == 3),
                   key=lambda words: sum(mean[list(lexicon).index(word)]
                                         for mean, word in zip(means, words, strict=True)))
        assert named == list(best)


def test_clusters_beyond_the_names_repeat_them():
    found = np.array([[1., 0], [.9, 0], [.8, .7]])
    named = name_clusters(np.arange(3), found, dict(sad='sadness', bored='bored'))
    assert named == ['sad', 'sad', 'bored']


# The tool, on tiny trained runs

@pytest.fixture(scope='module')
def runs(tiny_options, tmp_path_factory):
    """Work dirs: HESP on split 0 and 1, zero-shot CLIP on split 0."""
    root = tmp_path_factory.mktemp('naming')
    folders = [root / name for name in ('hesp0', 'hesp1', 'clip_zeroshot0')]
    for folder in folders:
        run_split(str(ROOT / f'configs/{folder.name[:-1]}_afew_o34.py'), int(folder.name[-1]),
                  folder, tiny_options)
    for folder in folders[:2]:  # half of the samples judged unknown, by models that learned little
        dump = load_dump(folder / 'predictions.npz')
        np.savez(folder / 'predictions.npz', **dump | dict(threshold=np.median(dump['score'])))
    return folders


def call(tool_module, monkeypatch, *arguments):
    module = tool_module('analysis/name_unknown.py')
    monkeypatch.setattr('sys.argv', ['name_unknown.py', *map(str, arguments)])
    module.main()


@pytest.mark.ci
def test_the_tool_beside_zero_shot_clip(runs, tiny_options, tool_module, monkeypatch, tmp_path,
                                        capsys):
    hesp, _, zero = runs
    call(tool_module, monkeypatch, hesp, '--zero-shot', zero, '--out', tmp_path)
    printed = capsys.readouterr().out
    figures = json.loads((tmp_path / 'naming.json').read_text())['hesp0']
    rows = list(csv.DictReader((tmp_path / 'naming.csv').open()))
    dump, lexicon = load_dump(hesp / 'predictions.npz'), read_lexicon()
    judged = dump['score'] < dump['threshold']
    assert [row['sample_id'] for row in rows] == list(dump['sample_id'][judged])
    assert len(rows) == 7 and len({row['cluster'] for row in rows}) == 4
    assert all(row['sample_id'] in printed for row in rows)
    suggested = {lexicon[row[f'word{i}']] for row in rows for i in (1, 2, 3)}
    assert not suggested & set(dump['classes'])
    right = np.mean([lexicon[row['word1']] == row['emotion'] for row in rows])
    assert figures['judged unknown, lexicon']['the run']['top1'] == pytest.approx(100 * right)

    names = sorted(set(dump['emotion']))
    tower = CLIPTextTower(tiny_options['clip.arch'], tiny_options['clip.pretrained'])
    texts = tower.encode_text([f'a photo of a {PROMPT_WORDS[name]} expression' for name in names])
    mean = load_dump(zero / 'predictions.npz')
    best = cosine_similarity(torch.tensor(mean['feature'])[:, None], texts[None], dim=2).argmax(1)
    hit = np.array(names)[best.numpy()] == mean['emotion']
    group = figures['truly unknown, names of the data set']
    assert group['zero-shot CLIP over all names']['top1'] == pytest.approx(
        100 * hit[mean['label'] < 0].mean())
    assert (group['chance']['top1'], group['chance']['top3']) == (25, 75)
    wide = group['chance over all names']
    assert (wide['top1'], wide['top3']) == pytest.approx((100 / 7, 300 / 7))
    for level in ('form', 'synonym'):  # three of four names, one of them right
        assert group['chance'][f'F1_{level}'] == pytest.approx(37.5, abs=1)
    clusters = figures['truly unknown, clusters, names of the data set']
    assert set(clusters) == {'chance', 'zero-shot CLIP', 'the run'}
    assert set(clusters['the run']) == {'NMI', 'ARI', 'cluster_ACC', 'names', 'F1_form',
                                        'F1_synonym', 'F1_sector'}
    for way in ('zero-shot CLIP', 'the run'):
        assert clusters[way]['F1_synonym'] == pytest.approx(clusters[way]['names'])


@pytest.mark.ci
def test_words_that_are_no_name_of_the_set_are_scored_by_their_sector(
        runs, tool_module, monkeypatch, tmp_path, capsys):
    own = tmp_path / 'words.txt'
    own.write_text('furious = anger\nfrightened = fear\nterrible = sadness\nenvious\nresentful\n'
                   'lonely\ndizzy\n')
    call(tool_module, monkeypatch, runs[0], '--lexicon', own, '--out', tmp_path)
    assert '| F1_sector' in capsys.readouterr().out
    figures = json.loads((tmp_path / 'naming.json').read_text())['hesp0']
    dump = load_dump(runs[0] / 'predictions.npz')
    assert {'anger', 'sadness'} & set(dump['emotion'][dump['label'] < 0])
    sectors = dict(envious='anger', resentful='anger', lonely='sadness', dizzy='dizzy')
    clip = next(Config.fromfile(path).clip for path in runs[0].glob('*.py'))
    tower = CLIPTextTower(clip.arch, clip.pretrained)
    texts = tower.encode_text([f'a photo of a {word} expression' for word in sectors]).detach()
    hits, sizes = [], []
    for feature, emotion, label in zip(*(dump[k] for k in ('feature', 'emotion', 'label')),
                                       strict=True):
        if label < 0:
            found = cosine_similarity(torch.tensor(feature)[None], texts)
            words = [list(sectors.values())[i] for i in np.argsort(-found.numpy())[:3]]
            hits.append(emotion in words)
            sizes.append(len(set(words)))
    group = figures['truly unknown, lexicon without these names']['the run']
    assert group['recall_sector'] == pytest.approx(100 * np.mean(hits))
    assert group['precision_sector'] == pytest.approx(100 * np.mean(np.divide(hits, sizes)))
    assert group['top3'] == group['F1_form'] == group['F1_synonym'] == 0 < group['F1_sector']
    told = figures['truly unknown, lexicon']['the run']
    assert told['top3'] > 0


@pytest.mark.ci
def test_the_tool_gives_mean_and_deviation_of_several_runs(runs, tool_module, monkeypatch,
                                                          tmp_path, capsys):
    own = tmp_path / 'words.txt'
    own.write_text('angry = anger\ndisgusted = disgust\nsad = sadness\nbored\n')
    call(tool_module, monkeypatch, *runs[:2], '--lexicon', own, '--out', tmp_path)
    figures = json.loads((tmp_path / 'naming.json').read_text())
    assert list(figures) == ['hesp0', 'hesp1']
    values = [run['truly unknown, lexicon']['the run']['top3'] for run in figures.values()]
    line = next(line for line in capsys.readouterr().out.split('truly unknown, lexicon')[1]
                .splitlines() if line.startswith('| the run '))
    spread = abs(values[0] - values[1]) / 2 ** .5
    assert f'{sum(values) / 2:.1f} +- {spread:.1f}' in line
    rows = list(csv.DictReader((tmp_path / 'naming.csv').open()))
    assert {row['run'] for row in rows} == {'hesp0', 'hesp1'}
    assert {row['word1'] for row in rows} <= {'angry', 'disgusted', 'sad', 'bored'}


def test_nothing_judged_unknown_is_no_error(runs, tool_module, monkeypatch, tmp_path):
    shutil.copytree(runs[0], tmp_path / 'run')
    dump = load_dump(runs[0] / 'predictions.npz')
    np.savez(tmp_path / 'run/predictions.npz', **dump | dict(threshold=dump['score'].min()))
    call(tool_module, monkeypatch, tmp_path / 'run')
    figures = json.loads((tmp_path / 'run/naming.json').read_text())['run']
    assert {group.partition(',')[0] for group in figures} == {'truly unknown'}
    assert (tmp_path / 'run/naming.csv').read_text().startswith('run,sample_id,emotion,word1')


def test_the_tool_says_what_is_missing(runs, tool_module, monkeypatch, tmp_path):
    hesp, other, zero = runs
    shutil.copytree(other, tmp_path / 'other')
    config = next((tmp_path / 'other').glob('*.py'))
    changed = Config.fromfile(config)
    changed.clip.arch = 'RN50'
    changed.dump(config)
    shutil.copytree(other, tmp_path / 'none', ignore=shutil.ignore_patterns('*.py'))
    for arguments, message in (
            ((zero,), 'no train_features.npz'), ((tmp_path,), 'no predictions.npz'),
            ((tmp_path / 'none',), 'holds 0 configs'),
            ((tmp_path / 'none', '--config', ROOT / 'configs/_base_/default_runtime.py'),
             'names no `clip`'),
            ((hesp, tmp_path / 'other'), 'different CLIPs'),
            ((hesp, '--cfg-options', 'clip.arch=small_face_clip', 'clip.pretrained=embedded'),
             'features are 12 wide and texts 128'),
            ((hesp, '--zero-shot', zero, zero), '1 work dirs but 2'),
            ((other, '--zero-shot', zero), 'other classes'),
            ((hesp, '--lexicon', tmp_path / 'no.txt'), 'no lexicon')):
        with pytest.raises(InputError, match=message):
            call(tool_module, monkeypatch, *arguments)


@pytest.mark.parametrize('emotions, scores, rows', [
    (['anger', 'fear', 'sadness'], [1, 1, -1], 1), (['anger', 'fear', 'sadness'], [1, 1, 1], 0),
    *(pytest.param(*row, marks=pytest.mark.ci) for row in (
        (['anger', 'fear', 'sadness'], [-1, 1, 1], 1), (['anger', 'fear'], [-1, -1], 2),
        (['sadness', 'sadness'], [-1, -1], 2)))])
def test_one_unknown_sample_or_none_ends_no_figures(emotions, scores, rows):
    rng = np.random.default_rng(0)

    def words(names):
        made = object.__new__(naming.Texts)  # without a tower
        made.lexicon = {name: name for name in names}
        made.texts = rng.normal(size=(len(names), 6)).astype(np.float32)
        return made

    known, label = ['anger', 'fear'], [0 if e == 'anger' else 1 if e == 'fear' else -1
                                       for e in emotions]
    dump = dict(classes=np.array(known), emotion=np.array(emotions), label=np.array(label),
                score=np.array(scores, float), threshold=np.array(0.0),
                feature=rng.normal(size=(len(label), 6)).astype(np.float32),
                sample_id=np.arange(len(label)).astype(str))
    train = dict(feature=rng.normal(size=(9, 6)).astype(np.float32))
    wide = words(['sadness', 'bored', *known])
    figures = naming.figures_of_run(dump, train, None, words(sorted(set(emotions))), wide, 1)
    assert ('judged unknown, lexicon' in figures) == (rows > 0)
    assert ('truly unknown, clusters, lexicon' in figures) == ('sadness' in emotions)
    assert len(naming_tables.rows_of_run('run', dump, train, wide, 1)) == rows
    assert isinstance(naming_tables.tables([figures, figures]), str)
