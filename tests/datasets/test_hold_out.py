"""A validation part by subject."""
import importlib.util
from pathlib import Path

import pytest

from hesp_mmaction.errors import InputError

_spec = importlib.util.spec_from_file_location(
    'hold_out', Path(__file__).parents[2] / 'tools/data/hold_out.py')
tool = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tool)


@pytest.fixture
def root(tmp_path):
    for subject in range(9):
        for emotion in ('Angry', 'Fear'):
            clip = tmp_path / 'data/Train_AFEW' / emotion / f'{subject:03d}{emotion}.avi'
            clip.parent.mkdir(parents=True, exist_ok=True)
            clip.write_bytes(bytes([subject]))
    return tmp_path / 'data'


def clips(folder, part):
    return {path.name: path.read_bytes() for path in (folder / part).glob('*/*')}


def test_every_subject_is_held_out_once_and_never_on_both_sides(root, tmp_path):
    held = []
    for fold in range(3):
        out = tmp_path / f'fold{fold}'
        counts = tool.hold_out(root, out, r'^\d{3}', fold, 3)
        train, val = clips(out, 'Train_AFEW'), clips(out, 'Val_AFEW')
        assert counts == dict(Train_AFEW=len(train), Val_AFEW=len(val)) and len(val) == 6
        assert not {name[:3] for name in train} & {name[:3] for name in val}
        assert train | val == clips(root, 'Train_AFEW')
        held += val
    assert len(held) == len(set(held)) == 18


def test_what_cannot_be_done_is_said(root, tmp_path):
    with pytest.raises(InputError, match='000Angry.avi does not match --subject'):
        tool.hold_out(root, tmp_path / 'x', r'^s\d', 0, 3)
    with pytest.raises(FileNotFoundError, match='AFEW: no folder .*none/Train_AFEW'):
        tool.hold_out(tmp_path / 'none', tmp_path / 'x', '.', 0, 3)
    with pytest.raises(InputError, match='exists already'):
        tool.hold_out(root, root, r'^\d{3}', 0, 3)
    with pytest.raises(InputError, match='--fold 3'):
        tool.hold_out(root, tmp_path / 'x', r'^\d{3}', 3, 3)
    with pytest.raises(InputError, match='3 folds of 1 subjects'):
        tool.hold_out(root, tmp_path / 'x', r'^\d', 0, 3)
