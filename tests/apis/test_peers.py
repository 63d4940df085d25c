"""Every method of the model index: trains, is saved and loaded, predicts, and learns."""
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from mmengine.config import Config
from test_tools import ROOT, WITHOUT_GPUS

from hesp_mmaction.evaluation import load_dump

MODELS = [model for path in yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']
          for model in yaml.safe_load((ROOT / path).read_text())['Models']]
CONFIGS = sorted(model['Config'] for model in MODELS if model['Config'].endswith('_afew_o34.py'))


# One of each family, for two processes: prompts, prototypes, auto-encoders with a fitted score,
# evidence with an auxiliary neck, a fine-tuned tower with its own rates, tokens in a frozen one,
# interpolated weights, pseudo labels, networks of their own, an ordinary recognizer.
FAMILIES = [f'configs/{name}_afew_o34.py' for name in (
    'coop', 'gcpl', 'cssr', 'dear', 'dfer_clip', 'vpt', 'open_vclip', 'open_set_fer', 'former_dfer',
    'm3dfel', 'arpl_slowonly')]
# Networks of random weights: a few hundred clips are too few to learn an expression from.
FROM_SCRATCH = [f'configs/{name}_afew_o34.py' for name in (
    'former_dfer', 'm3dfel', 'arpl_slowonly', 'evidential_swin')]


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


def learning_curve(work_dir, key):
    """Values of every epoch, from the log of a training: number to list."""
    path, = Path(work_dir).glob('*/vis_data/scalars.json')
    values = {}
    for line in path.read_text().splitlines():
        row = json.loads(line)
        if 'loss' in row:
            values.setdefault(row['epoch'], []).append(row[key])
    return values


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
                          capture_output=True, env=WITHOUT_GPUS if processes > 1 else None)
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


def synthetic(folder, *flags):
    subprocess.run([sys.executable, ROOT / 'tools/data/make_synthetic.py', '--layout', 'afew',
                    '--out', folder, *flags], check=True, cwd=ROOT, capture_output=True)
    return {'data_root': folder, 'default_hooks.logger.interval': 1,
            **{f'{part}_dataloader.{key}': value for part in ('train', 'val', 'test')
               for key, value in (('num_workers', 0), ('persistent_workers', False))}}


@pytest.fixture(scope='session')
def embedded(tmp_path_factory):
    """--cfg-options of the embedded clips and CLIP."""
    return synthetic(tmp_path_factory.mktemp('embedded')) | {
        'image_size': 96, 'clip.arch': 'small_face_clip', 'clip.pretrained': 'embedded',
        'train_cfg.max_epochs': 5}


@pytest.mark.slow
@pytest.mark.parametrize('config', [c for c in CONFIGS if trained(c) and c not in FROM_SCRATCH])
def test_on_embedded_clips_the_loss_falls_and_accuracy_beats_chance(config, embedded, tmp_path):
    options = dict(embedded)
    if Config.fromfile(ROOT / config).model.cls_head.type == 'HESPHead':
        options['model.cls_head.negative_scale'] = 0.06  # features are 158 long here
    train(config, tmp_path, options)
    losses = [np.mean(values) for values in learning_curve(tmp_path, 'loss').values()]
    found = json.loads((tmp_path / 'metrics.json').read_text())
    print(f'{config}: loss {losses[0]:.3f} -> {losses[-1]:.3f}, AUROC {found["AUROC"]:.1f}, '
          f'OSCR {found["OSCR"]:.1f}, ACC {found["ACC"]:.1f}')
    if 'open_set_fer' in config:  # two trainings: the second one falls from its own start
        losses = losses[2:]
    assert losses[-1] < losses[0] and found['ACC'] > 45  # chance is 33.3; 90 clips, 5 epochs


@pytest.mark.slow
@pytest.mark.parametrize('config', [c for c in FROM_SCRATCH if 'swin' not in c])
def test_networks_of_random_weights_learn_the_few_clips_they_see(config, tmp_path):
    """Twelve clips, 25 steps: the loss falls, and training accuracy is far above chance."""
    options = synthetic(tmp_path / 'data', '--per-class', '4', '2') | {
        'image_size': 48, 'train_cfg.max_epochs': 25, 'train_dataloader.batch_size': 12,
        'param_scheduler': []}
    train(config, tmp_path / 'run', options)
    losses, right = (np.concatenate([*learning_curve(tmp_path / 'run', key).values()])
                     for key in ('loss', 'acc'))
    print(f'{config}: loss {losses[0]:.3f} -> {losses[-1]:.3f}, last five {right[-5:].mean():.2f}')
    assert losses[-1] < 0.7 * losses[0] and right[-5:].mean() > 0.75
