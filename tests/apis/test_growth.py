"""A grown model: rows by name, the same old logits, what is refused, history in checkpoints."""
import copy
import json

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.registry import init_default_scope

from hesp_mmaction.apis.configs import load_config, our_config
from hesp_mmaction.apis.growth import Growth, accuracy, grow, grown_rows
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.errors import InputError
from hesp_mmaction.models.checkpoint_origin import clip_of, pixels_of
from hesp_mmaction.models.checkpoints import load_weights, read_checkpoint
from hesp_mmaction.models.clip import forget_weights

OLD, NEW = ('disgust', 'happiness', 'fear'), ('fear', 'anger', 'disgust', 'happiness', 'surprise')


def numbers(*shape, start=0):
    return torch.arange(start, start + int(np.prod(shape)), dtype=torch.float64).view(shape)


def test_rows_go_by_name():
    old = dict(rows=numbers(3, 2, 2), bias=numbers(3), fitted=numbers(3, 2), same=numbers(3, 3))
    start = dict(rows=-numbers(5, 2, 2) - 1, bias=-numbers(5) - 1, fitted=-numbers(5, 2) - 1,
                 same=numbers(3, 3) + 99)
    found = grown_rows(old, start, list(OLD), list(NEW), dict(fitted=[2, 0]))
    by_name = {key: dict(zip(OLD, value.numpy(), strict=True)) for key, value in old.items()
               if key != 'same'}
    for key in ('rows', 'bias', 'fitted'):
        for i, name in enumerate(NEW):
            wanted = by_name[key].get(name)
            if wanted is None:
                wanted = (by_name[key][dict(anger='fear', surprise='disgust')[name]]
                          if key == 'fitted' else start[key][i].numpy())
            np.testing.assert_array_equal(found[key][i].numpy(), wanted)
    np.testing.assert_array_equal(found['same'].numpy(), old['same'].numpy())
    assert found['same'] is not old['same'] and (start['bias'] == -numbers(5) - 1).all()


@pytest.mark.parametrize('key, old, start', [
    ('only_there', numbers(2), None), ('only_here', None, numbers(2)),
    ('wide', numbers(3, 2), numbers(5, 4)), ('two_a_class', numbers(6, 2), numbers(10, 2)),
    ('columns', numbers(2, 3), numbers(2, 5))])
def test_weights_without_rows_are_refused(key, old, start):
    there = dict(bias=numbers(3)) | ({} if old is None else {key: old})
    here = dict(bias=numbers(5)) | ({} if start is None else {key: start})
    with pytest.raises(InputError, match=f'1 of its weights .* first {key}'):
        grown_rows(there, here, list(OLD), list(NEW), {})


def build(config, known, options):
    init_default_scope('mmaction')
    cfg = load_config(our_config(config))
    override(cfg, options, known)
    torch.manual_seed(len(known))
    model = MODELS.build(cfg.model).eval()
    forget_weights()
    return model, cfg


def saved(model):
    return dict(state_dict=copy.deepcopy(model.state_dict()), hesp=dict(
        known=list(model.cls_head.known), threshold=-1.0, pixels=pixels_of(model),
        clip=clip_of(model)))


@pytest.fixture(scope='module')
def hesp(tiny_options):
    """An old HESP with a fitted score, and its checkpoint."""
    model, _ = build('hesp_afew_o34.py', OLD, tiny_options)
    torch.manual_seed(0)
    with torch.no_grad():
        model.cls_head.threshold.fill_(-1.0)
        label = torch.arange(30) % 3
        model.cls_head.joint.fit(torch.randn(30, 12) + 3 * torch.eye(12)[label], label,
                                 torch.randn(30), torch.randn(30, 3))
    return model, saved(model)


def test_a_checkpoint_of_an_earlier_version_grows(hesp, tiny_options):
    """It lacks what ``older_state`` lists; the score is then fitted anew, as in a new model."""
    checkpoint = copy.deepcopy(hesp[1])
    model, _ = build('hesp_afew_o34.py', NEW, tiny_options)
    older = model.cls_head.older_state()
    for key in older:
        del checkpoint['state_dict'][f'cls_head.{key}']
    grow(model, checkpoint)
    assert older and not model.cls_head.joint.fitted and model.cls_head.temperature == 1
    assert model.cls_head.threshold == -1.0


def outputs(model, videos):
    from mmaction.structures import ActionDataSample
    samples = [ActionDataSample() for _ in videos]
    for i, sample in enumerate(samples):
        sample.set_metainfo(dict(sample_id=str(i)))
    with torch.no_grad():
        feats, kwargs = model.extract_feat(videos, data_samples=samples, test_mode=True)
        found = model.cls_head(feats, **kwargs)
        return found | model.cls_head.scores(found)


def test_hesp_says_of_old_emotions_what_it_said(hesp, tiny_options):
    old, checkpoint = hesp
    model, _ = build('hesp_afew_o34.py', NEW, tiny_options)
    other = outputs(model, torch.zeros(1, 8, 3, 32, 32))['logits_known']
    grow(model, checkpoint)
    # the region follows the texts of the known emotions, so the window is the centre in both
    for part in (old, model):
        part.visual_prompt.region = 'centre'
    videos = torch.rand(4, 8, 3, 32, 32, generator=torch.manual_seed(1)) * 255
    before, after = outputs(old, videos), outputs(model, videos)
    places = [NEW.index(name) for name in OLD]
    for key in ('logits_known', 'logits_negative', 'distances'):
        np.testing.assert_allclose(after[key][:, places], before[key], rtol=1e-4, atol=1e-4)
    assert not np.allclose(other[:, places], after['logits_known'][:1, places])
    # a new emotion begins with the density of an old one, so no clip is nearer than before
    np.testing.assert_allclose(after['distances'].min(1).values, before['distances'].min(1).values,
                               rtol=1e-4)
    assert model.cls_head.threshold == -1.0 and model.cls_head.joint.fitted


def test_probe_says_of_old_emotions_what_it_said(tiny_options):
    old, _ = build('linear_probe_afew_o34.py', OLD, tiny_options)
    model, _ = build('linear_probe_afew_o34.py', NEW, tiny_options)
    grow(model, saved(old))
    videos = torch.rand(4, 8, 3, 32, 32) * 255
    places = [NEW.index(name) for name in OLD]
    np.testing.assert_allclose(outputs_of_probe(model, videos)[:, places],
                               outputs_of_probe(old, videos), atol=1e-5)


@torch.no_grad()
def outputs_of_probe(model, videos):
    feats, kwargs = model.extract_feat(videos, test_mode=True)
    return model.cls_head(feats, **kwargs)['logits']


def test_another_clip_or_other_pixels_are_refused(hesp, tiny_options):
    model, _ = build('hesp_afew_o34.py', NEW, tiny_options)
    start = copy.deepcopy(model.state_dict())
    for key, value, words in (('clip', 'f' * 64, 'another CLIP'), (
            'pixels', dict(mean=[1.] * 3, std=[1.] * 3), 'pixels of mean')):
        wrong = dict(hesp[1], hesp=hesp[1]['hesp'] | {key: value})
        with pytest.raises(InputError, match=words):
            grow(model, wrong, 'old.pth')
    for key, value in model.state_dict().items():  # nothing is half loaded
        np.testing.assert_array_equal(value, start[key])
    older = dict(hesp[1], hesp=dict(known=list(OLD)))  # of a version that kept neither
    grow(model, older)


def test_known_must_be_old_and_new(hesp, tiny_options, tmp_path):
    path = tmp_path / 'old.pth'
    torch.save(hesp[1], path)
    for known in (OLD, ('disgust', 'fear', 'anger')):
        _, cfg = build('hesp_afew_o34.py', known, tiny_options)
        with pytest.raises(InputError, match='--known disgust happiness fear NEW'):
            Growth(cfg, path)
    torch.save(dict(state_dict=hesp[1]['state_dict']), path)
    with pytest.raises(InputError, match='does not say which emotions it knows'):
        Growth(cfg, path)


def test_accuracy_by_hand():
    dump = dict(emotion=np.array(['fear', 'fear', 'anger', 'anger', 'sadness']),
                pred=np.array([0, 1, 1, 1, 0]),
                logits=np.array([[2, 1], [0, 3], [2, 3], [2, 3], [4, 0]]),
                classes=np.array(['fear', 'anger']))
    assert accuracy(dump, ['fear']) == 50 and accuracy(dump, ['fear', 'anger']) == 75
    assert accuracy(dump, ['fear'], ['fear']) == 100 and accuracy(dump, ['anger'], ['fear']) == 0
    assert accuracy(dump, ['sadness']) == 0 and np.isnan(accuracy(dump, ['joy']))


@pytest.mark.ci
def test_train_grow(tiny_options, tmp_path, monkeypatch, tool_module):
    """Three emotions, then five, then six: history, growth.json, and the old model's accuracy."""
    def train(folder, known, *extra, **options):
        words = ['train.py', our_config('hesp_afew_o34.py'), '--work-dir', str(tmp_path / folder),
                 '--known', *known, *extra, '--cfg-options',
                 *(f'{key}={value}' for key, value in (tiny_options | options).items())]
        monkeypatch.setattr('sys.argv', words)
        tool_module('train.py').main()

    train('three', OLD)
    train('five', NEW, '--grow', str(tmp_path / 'three/epoch_1.pth'))
    found = json.loads((tmp_path / 'five/growth.json').read_text())
    three = np.load(tmp_path / 'three/predictions.npz')
    five = np.load(tmp_path / 'five/predictions.npz')
    assert found['old_before'] == pytest.approx(accuracy(three, OLD))
    assert found['old_after'] == pytest.approx(accuracy(five, OLD))
    assert found['new_after'] == pytest.approx(accuracy(five, ('anger', 'surprise')))
    train('six', (*NEW, 'sadness'), '--grow', str(tmp_path / 'five/epoch_1.pth'))
    history = read_checkpoint(tmp_path / 'six/epoch_1.pth')['hesp']['history']
    assert [entry['added'] for entry in history] == [['anger', 'surprise'], ['sadness']]
    assert [set(entry['known']) for entry in history] == [set(OLD), set(NEW)]
    (tmp_path / 'six/growth.json').write_text(json.dumps(  # as an interrupted growth leaves it
        dict(known=[], history=history, old_before=50.0)))
    train('six', (*NEW, 'sadness'), '--resume', **{'train_cfg.max_epochs': 2})
    assert read_checkpoint(tmp_path / 'six/epoch_2.pth')['hesp']['history'] == history
    found, six = (json.loads((tmp_path / 'six/growth.json').read_text()),
                  np.load(tmp_path / 'six/predictions.npz'))
    assert found['old_before'] == 50 and found['new_after'] == pytest.approx(
        accuracy(six, ('sadness',)))
    model, _ = build('hesp_afew_o34.py', (*NEW, 'sadness'), tiny_options)
    load_weights(model, read_checkpoint(tmp_path / 'six/epoch_2.pth'))
    with pytest.raises(InputError, match='--grow needs --known'):
        train('seven', NEW, '--grow', 'a.pth', '--resume')
    with pytest.raises(InputError, match='knows disgust, happiness, fear'):
        train('seven', OLD, '--grow', str(tmp_path / 'three/epoch_1.pth'))
    assert not (tmp_path / 'seven').exists()
