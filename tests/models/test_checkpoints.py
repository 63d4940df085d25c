"""The one reader of checkpoints, and the one check that they belong to a model."""
import json
import logging

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from hesp_mmaction.compat.mends import load_from_local
from hesp_mmaction.errors import InputError
from hesp_mmaction.models import checkpoint_origin, checkpoints
from hesp_mmaction.models.checkpoints import check_checkpoint, load_weights, read_file

KNOWN = ('anger', 'fear')


class Head(nn.Module):
    def __init__(self, known):
        super().__init__()
        self.known = known
        self.points = nn.Parameter(torch.arange(3. * len(known)).view(len(known), 3))
        self.register_buffer('temperature', torch.ones(()))


def model(known=KNOWN):
    """What the check asks of a recognizer: names, weights, pixel statistics."""
    found = nn.Module()
    found.cls_head, found.neck = Head(known), nn.BatchNorm1d(3)
    found.register_buffer('mean', torch.full((3, 1, 1), 0.5), persistent=False)
    found.register_buffer('std', torch.full((3, 1, 1), 0.25), persistent=False)
    return found


def write(path, checkpoint):
    """A checkpoint as a file of either kind, told by its suffix."""
    if path.suffix == '.safetensors':
        header = {'hesp': json.dumps(checkpoint['hesp'])} if 'hesp' in checkpoint else None
        save_file(checkpoint['state_dict'], path, header)
    else:
        torch.save(checkpoint, path)
    return path


SUFFIXES = pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])


@SUFFIXES
def test_both_formats_say_the_same(tmp_path, suffix):
    saved = dict(state_dict=model().state_dict(), hesp=dict(known=list(KNOWN), threshold=0.5))
    path = write(tmp_path / f'a{suffix}', saved)
    other = tmp_path / 'renamed.bin'  # the content tells, not the name
    other.write_bytes(path.read_bytes())
    for found in (read_file(path), read_file(other), load_from_local(str(path), 'cpu')):
        assert found['hesp'] == saved['hesp']
        assert found['state_dict'].keys() == saved['state_dict'].keys()
        for key, value in found['state_dict'].items():
            assert torch.equal(value, saved['state_dict'][key])


@SUFFIXES
@pytest.mark.parametrize('fault', ['empty', 'cut', 'git-lfs', 'archive'])
def test_what_is_no_checkpoint_is_one_line(tmp_path, suffix, fault):
    whole = write(tmp_path / f'whole{suffix}', dict(state_dict=model().state_dict()))
    content, path = whole.read_bytes(), tmp_path / f'a{suffix}'
    path.write_bytes({'empty': b'', 'cut': content[:len(content) // 2], 'archive': b'', 'git-lfs':
                      b'version https://git-lfs.github.com/spec/v1\nsize 3900000\n'}[fault])
    if fault == 'archive':
        torch.jit.save(torch.jit.script(nn.Linear(2, 2)), str(path))
    words = {'git-lfs': 'git lfs pull', 'archive': 'TorchScript archive, which is a program'}
    with pytest.raises(InputError, match=words.get(fault, 'is damaged')) as error:
        load_from_local(str(path), 'cpu')
    assert str(path) in str(error.value) and '\n' not in str(error.value).strip()


def test_a_file_of_torch_cut_anywhere_is_damaged(tmp_path):
    path = tmp_path / 'a.pth'
    torch.save(dict(state_dict=dict(a=torch.ones(30000))), path)  # torch seeks back 64 KiB
    content = path.read_bytes()
    for length in (*range(4, 9000, 800), 20000, 70000, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match='a.pth is damaged'):
            read_file(path)


def test_what_holds_no_weights_is_one_line(tmp_path):
    (tmp_path / 'folder.pth').mkdir()
    with pytest.raises(InputError, match='folder.pth is a folder'):
        read_file(tmp_path / 'folder.pth')
    np.savez(tmp_path / 'array.npz', a=np.ones(2))
    (tmp_path / 'page.pth').write_text('<!DOCTYPE html><html>Log in first</html>')
    (tmp_path / 'text.pth').write_text('hello world')  # a KeyError of the unpickler
    for name in ('array.npz', 'page.pth', 'text.pth'):
        with pytest.raises(InputError, match=f'{name} is no file of weights'):
            read_file(tmp_path / name)


def test_a_header_that_is_no_json_is_said(tmp_path):
    save_file({'a': torch.ones(1)}, tmp_path / 'a.safetensors', dict(hesp='{'))
    with pytest.raises(InputError, match='a.safetensors is damaged'):
        read_file(tmp_path / 'a.safetensors')


@SUFFIXES
@pytest.mark.parametrize('known', [('fear', 'anger'), ('anger', 'sadness'), ('anger',)])
def test_other_names_are_refused_in_every_format(tmp_path, suffix, known):
    saved = dict(state_dict=model(known).state_dict(), hesp=dict(known=list(known)))
    found = read_file(write(tmp_path / f'a{suffix}', saved))
    with pytest.raises(InputError, match=f'run with --known {" ".join(known)}$'):
        load_weights(model(), found)
    load_weights(model(known), found)


@pytest.fixture
def said(monkeypatch):
    found = []
    monkeypatch.setattr(checkpoints, 'print_log',
                        lambda text, logger, level: found.append((text, level)))
    return found


@SUFFIXES
def test_weights_without_names_are_loaded_whole_and_a_warning_says_the_names(
        tmp_path, suffix, said):
    saved = model().state_dict()
    saved['cls_head.points'] += 1
    path = write(tmp_path / f'a{suffix}', dict(state_dict=saved))
    ours = model()
    load_weights(ours, read_file(path), 'the checkpoint a')
    assert torch.equal(ours.cls_head.points.data, saved['cls_head.points'])
    (text, level), = said
    assert level == logging.WARNING and 'the checkpoint a does not say' in text
    assert 'anger, fear, in this order' in text
    for change, words in (
            (lambda w: w.pop('neck.weight'), r'neck.weight is missing there'),
            (lambda w: w.update(more=torch.ones(1)), 'more is not in the model'),
            (lambda w: w.update({'neck.bias': torch.ones(4)}), r'neck.bias is \(4,\) there')):
        weights = dict(saved)
        change(weights)
        path = write(tmp_path / f'b{suffix}', dict(state_dict=weights))
        with pytest.raises(InputError, match=f'does not fit the config.*{words}'):
            load_weights(model(), read_file(path))


def test_a_training_may_start_from_a_part(said):
    weights = {'neck.weight': torch.ones(3), 'cls_head.fc.weight': torch.ones(1)}
    assert check_checkpoint(model(), weights, whole=False) == weights
    with pytest.raises(InputError, match='no parameter in common'):
        check_checkpoint(model(), {'other': torch.ones(1)}, whole=False)


@pytest.mark.parametrize('wrap', [
    lambda w: w, lambda w: dict(state_dict=w), lambda w: dict(model=w),
    lambda w: {f'module.{k}': v for k, v in w.items()},
    lambda w: {f'_orig_mod.{k}': v for k, v in w.items()},
    lambda w: {k.replace('neck.', 'neck._orig_mod.'): v for k, v in w.items()},
    lambda w: {f'module._orig_mod.{k}': v for k, v in w.items()},
    lambda w: {f'_fsdp_wrapped_module.{k}': v for k, v in w.items()},
    lambda w: dict(state_dict={f'model.{k}': v for k, v in w.items()}, epoch=3)])
def test_what_wrappers_put_before_names_is_taken_off(wrap, said):
    ours, theirs = model(), model().state_dict()
    theirs['cls_head.points'] += 1
    load_weights(ours, wrap(theirs))
    assert torch.equal(ours.cls_head.points.data, theirs['cls_head.points'])


@pytest.mark.parametrize('content, words', [
    ([1], 'holds no weights'), ({}, 'holds no weights'), (dict(state_dict={}), 'holds no weights'),
    (dict(epoch=3), "more than weights, such as 'epoch'"),
    (dict(hesp=5, state_dict={'a': torch.ones(1)}), 'without the list of its known emotions'),
    (dict(hesp=dict(known='anger'), state_dict={'a': torch.ones(1)}), 'without the list')])
def test_what_holds_no_weights_is_said(content, words):
    with pytest.raises(InputError, match=words):
        load_weights(model(), content)


def test_pixel_statistics_of_a_checkpoint_are_compared():
    """A CLIP is trained with a tag and tested with a file that does not say its statistics."""
    ours = checkpoint_origin.pixels_of(model())
    assert ours == dict(mean=[127.5] * 3, std=[63.75] * 3)
    saved = dict(state_dict=model().state_dict(), hesp=dict(known=list(KNOWN), pixels=ours))
    load_weights(model(), saved)
    saved['hesp']['pixels'] = dict(ours, mean=[122.7709, 116.746, 104.0937])
    with pytest.raises(InputError, match='--cfg-options model.mean=122.771,116.746,104.094'):
        load_weights(model(), saved)
