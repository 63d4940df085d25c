"""A checkpoint, its config, dumps and stores that commit 65693e3 wrote still work.

``data/written_by_65693e3.zip`` holds one epoch of HESP on one drawn clip per emotion (seed 7): the
checkpoint without its optimizer, the config, the dumps of training and test, a store of features,
and the index of a store of frames, without its 14 MB of frames. In the checkpoint the name of a
temporary folder was taken out.
"""
import json
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from mmaction.registry import DATASETS
from mmengine.config import Config

from hesp_mmaction.apis.configs import load_config
from hesp_mmaction.apis.running import run
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.datasets.synthetic.layouts import write_dataset
from hesp_mmaction.evaluation import load_dump, metrics_from_dump

pytestmark = pytest.mark.ci
FILES = Path(__file__).parent / 'data' / 'written_by_65693e3.zip'


@pytest.fixture(scope='module')
def old(tmp_path_factory):
    """The old files, beside drawn clips in ``data``."""
    folder = tmp_path_factory.mktemp('old')
    with zipfile.ZipFile(FILES) as archive:
        archive.extractall(folder)
    write_dataset('afew', folder / 'data', 7, (1, 1))
    return folder


def predictions(old, work_dir, **options):
    cfg = Config.fromfile(old / 'hesp_synthetic_o34.py')
    override(cfg, dict(data_root=str(old / 'data'), cache='none') | options)
    cfg.load_from, cfg.work_dir = str(old / 'epoch_1.pth'), str(work_dir)
    run(cfg, lambda runner: runner.test(), ['test_dataloader'])
    return load_dump(Path(work_dir) / 'predictions.npz')


def same(found, dump):
    for key, values in dump.items():
        if values.dtype.kind == 'f':  # another processor rounds otherwise
            np.testing.assert_allclose(found[key], values, rtol=2e-3, atol=2e-3, err_msg=key)
        else:
            np.testing.assert_array_equal(found[key], values, err_msg=key)


def test_checkpoint_and_config_predict_what_they_did(old, tmp_path):
    dump = load_dump(old / 'predictions.npz')
    assert len(dump['score']) == 7 and np.isfinite(dump['threshold'])
    same(predictions(old, tmp_path), dump)


def test_dumps_are_read_and_scored(old):
    train, dump = load_dump(old / 'train_features.npz'), load_dump(old / 'predictions.npz')
    assert train['feature'].shape == (3, 128)
    found = metrics_from_dump(dump)
    known, unknown = (dump['score'][dump['label'] >= 0], dump['score'][dump['label'] < 0])
    wins = (known[:, None] > unknown).mean() + (known[:, None] == unknown).mean() / 2
    assert found['AUROC'] == pytest.approx(100 * wins)


def test_a_store_of_frames_is_made_anew_in_its_place(old, tmp_path, capsys):
    """Its frames are not used: the reader of videos of that time was wrong about some."""
    index = json.loads((old / 'frames' / 'index.json').read_text())
    clips = index['clips'].values()
    frames = np.zeros(sum(c['frames'] * np.prod(c['shape']) * 3 for c in clips), np.uint8)
    np.save(old / 'frames' / 'frames.npy', frames)  # black, to see that nobody reads them
    stored = predictions(old, tmp_path / 'stored', cache=str(old / 'frames'))
    assert 'holds the store of an earlier version' in capsys.readouterr().err
    decoded = predictions(old, tmp_path / 'decoded')
    np.testing.assert_array_equal(stored['score'], decoded['score'])
    predictions(old, tmp_path / 'again', cache=str(old / 'frames'))
    assert 'earlier version' not in capsys.readouterr().err


def test_a_store_of_features_is_read_with_a_warning(old):
    cfg = load_config('configs/coop_afew_o34.py')
    options = {'data_root': str(old / 'data'), 'image_size': 96, 'clip.arch': 'small_face_clip',
               'clip.pretrained': 'embedded', 'features': str(old / 'feats')}
    override(cfg, options)
    with pytest.warns(UserWarning, match='earlier version wrote it.*build it anew'):
        dataset = DATASETS.build(cfg.test_dataloader.dataset)
    plain = json.loads((old / 'feats' / 'index.json').read_text())['rows']['plain']
    rows = np.load(old / 'feats' / 'features.npy')
    for sample in (dataset[0], dataset[6]):
        row = rows[plain[sample['data_samples'].sample_id]]
        np.testing.assert_array_equal(np.asarray(sample['inputs']).reshape(row.shape), row)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        cfg.work_dir, cfg.train_cfg.max_epochs = str(old / 'run'), 1
        run(cfg, lambda runner: runner.train(), ['train_dataloader', 'val_dataloader'])
    assert len(load_dump(old / 'run' / 'predictions.npz')['score']) == 7
