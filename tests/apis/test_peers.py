"""Every method of the model index: trains, is saved and loaded, predicts, and learns."""
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from mmengine.config import Config
from test_tools import ROOT

from hesp_mmaction.evaluation import load_dump

MODELS = [model for path in yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']
          for model in yaml.safe_load((ROOT / path).read_text())['Models']]
CONFIGS = sorted(model['Config'] for model in MODELS if model['Config'].endswith('_afew_o34.py'))


# One of each family, for two processes: prompts, prototypes, auto-encoders with a fitted score,
# evidence with an auxiliary neck, a fine-tuned tower with its own rates, an ordinary recognizer.
FAMILIES = [f'configs/{name}_afew_o34.py' for name in (
    'coop', 'gcpl', 'cssr', 'dear', 'dfer_clip', 'arpl_slowonly')]
NEEDS_A_VIT = {'configs/hesp_vpt_afew_o34.py'}  # the embedded CLIP is of the ResNet form


def test_the_index_names_what_is_there():
    assert len({model['Name'] for model in MODELS}) == len(MODELS)
    for model in MODELS:
        assert (ROOT / model['Config']).is_file(), model['Config']
        assert model['Name'] == Path(model['Config']).stem
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']
    assert sorted(index) == sorted(str(path.relative_to(ROOT))
                                   for path in (ROOT / 'configs/metafiles').glob('*.yml'))
    for path in index:
        collection, = yaml.safe_load((ROOT / path).read_text())['Collections']
        assert (ROOT / collection['README']).is_file(), collection['README']
        assert collection['Paper']['URL'].startswith('https://') and collection['Paper']['Title']


def trained(config):
    return Config.fromfile(ROOT / config).get('optim_wrapper') is not None


def own_options(config, options):
    """Of --cfg-options those that a method understands (not all have a CLIP)."""
    cfg = Config.fromfile(ROOT / config)
    return {key: value for key, value in options.items()
            if not key.startswith('clip.') or 'clip' in cfg}


def learning_curve(work_dir):
    """Mean loss of every epoch, from the log of a training."""
    path, = Path(work_dir).glob('*/vis_data/scalars.json')
    losses = {}
    for line in path.read_text().splitlines():
        row = json.loads(line)
        if 'loss' in row:
            losses.setdefault(row['epoch'], []).append(row['loss'])
    return [np.mean(losses[epoch]) for epoch in sorted(losses)]


def train(config, folder, options, processes=1):
    """tools/train.py as users call it; gives what the last epoch predicted."""
    changes = [f'{key}={value}' for key, value in own_options(config, options).items()]
    flags = ['--work-dir', folder, '--split', 0, '--cfg-options', *changes]
    command = [sys.executable, ROOT / 'tools/train.py', ROOT / config, *flags]
    if processes > 1:
        command[1:2] = ['-m', 'torch.distributed.run', f'--nproc_per_node={processes}',
                        '--standalone', ROOT / 'tools/train.py']
        command += ['env_cfg.dist_cfg.backend=gloo', '--launcher', 'pytorch']
    done = subprocess.run([str(word) for word in command], cwd=ROOT, text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return load_dump(folder / 'predictions.npz')


@pytest.mark.slow
@pytest.mark.parametrize('config', filter(trained, CONFIGS))
def test_a_checkpoint_predicts_what_the_training_did(config, tiny_options, tmp_path):
    options = tiny_options | {'default_hooks.logger.interval': 1}
    dump = train(config, tmp_path / 'train', options)
    assert len(dump['score']) == 14 and np.isfinite(dump['score']).all()
    changes = [f'{key}={value}' for key, value in own_options(config, options).items()]
    done = subprocess.run(
        [str(word) for word in (
            sys.executable, ROOT / 'tools/test.py', ROOT / config,
            tmp_path / 'train/epoch_1.pth', '--split', 0, '--work-dir', tmp_path / 'test',
            '--cfg-options', *changes)], cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr[-3000:]
    again = load_dump(tmp_path / 'test/predictions.npz')
    for key in ('sample_id', 'score', 'logits', 'pred', 'pred_emotion', 'threshold'):
        np.testing.assert_array_equal(dump[key], again[key], key)


@pytest.mark.slow
@pytest.mark.parametrize('config', FAMILIES)
def test_two_processes_train_and_evaluate_every_sample_once(config, tiny_options, tmp_path):
    dump = train(config, tmp_path, tiny_options, processes=2)
    assert len(dump['sample_id']) == 14 == len({*dump['sample_id']})
    assert np.isfinite(dump['score']).all() and np.isfinite(dump['threshold'])


@pytest.fixture(scope='session')
def embedded(tmp_path_factory):
    """--cfg-options of the embedded clips and CLIP."""
    folder = tmp_path_factory.mktemp('embedded')
    subprocess.run([sys.executable, ROOT / 'tools/data/make_synthetic.py', '--layout', 'afew',
                    '--out', folder], check=True, cwd=ROOT, capture_output=True)
    return {'data_root': folder, 'image_size': 96, 'clip.arch': 'small_face_clip',
            'clip.pretrained': 'embedded', 'train_cfg.max_epochs': 5,
            **{f'{part}_dataloader.{key}': value for part in ('train', 'val', 'test')
               for key, value in (('num_workers', 0), ('persistent_workers', False))}}


@pytest.mark.slow
@pytest.mark.parametrize('config', [c for c in CONFIGS if trained(c) and c not in NEEDS_A_VIT])
def test_on_embedded_clips_the_loss_falls_and_accuracy_beats_chance(config, embedded, tmp_path):
    train(config, tmp_path, embedded)
    losses = learning_curve(tmp_path)
    accuracy = json.loads((tmp_path / 'metrics.json').read_text())['ACC']
    print(f'{config}: loss {losses[0]:.3f} -> {losses[-1]:.3f}, ACC {accuracy:.1f}')
    assert losses[-1] < losses[0] and accuracy > 45  # chance is 33.3; 90 clips, 5 epochs
