"""Checkpoints of every format through test.py, --resume, the export and the inferencer."""
import json

import pytest
import torch
from mmengine.config import Config
from safetensors.torch import save_file
from test_tools import CONFIG, ROOT, command, config, metrics, run, tool

from hesp_mmaction.apis import HESPInferencer
from hesp_mmaction.apis.trained import load_trained
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.errors import InputError
from hesp_mmaction.models import checkpoints
from hesp_mmaction.models.hesp_zoo import save_weights

THEIRS = ('anger', 'surprise', 'sadness')  # not those of the config, but as many


@pytest.fixture(scope='module')
def files(options, tmp_path_factory):
    """A training of other names as .pth, as .safetensors, and its bare weights as either."""
    folder = tmp_path_factory.mktemp('formats')
    run(config(options, folder / 'run', '--known', *THEIRS), lambda runner: runner.train())
    found = dict(pth=folder / 'run/epoch_2.pth')
    saved = checkpoints.read_file(found['pth'])
    for name in ('safetensors', 'bare.pth', 'bare.safetensors'):
        found[name] = folder / f'a.{name}'
    save_weights(saved, found['safetensors'])
    torch.save(saved['state_dict'], found['bare.pth'])
    save_file({k: v.contiguous() for k, v in saved['state_dict'].items()},
              found['bare.safetensors'])
    return found


@pytest.mark.parametrize('name', ['pth', 'safetensors'])
def test_other_names_stop_everything(files, options, tmp_path, name):
    words = f'run with --known {" ".join(THEIRS)}'
    path = str(files[name])
    done = tool(ROOT / 'tools/test.py', CONFIG, path, '--work-dir', tmp_path / 'test',
                *command(options), check=False)
    assert done.returncode == 1 and words in done.stderr.splitlines()[-1]
    cfg = config(options, tmp_path / 'resume')
    cfg.load_from, cfg.resume = path, True
    with pytest.raises(InputError, match=words):
        run(cfg, lambda runner: runner.train())
    with pytest.raises(InputError, match=words):
        HESPInferencer(CONFIG, path, known=['disgust', 'fear', 'happiness'], cfg_options=options)
    # Not told otherwise, the export and the inferencer take the names of the checkpoint.
    assert HESPInferencer(CONFIG, path, cfg_options=options).known == THEIRS
    cfg = Config.fromfile(CONFIG)
    override(cfg, options)
    assert load_trained(cfg, path).known == THEIRS


@pytest.mark.parametrize('name', ['safetensors', 'bare.pth', 'bare.safetensors'])
def test_every_format_gives_the_figures_of_the_training(files, options, tmp_path, name):
    cfg = config(options, tmp_path / 'test', '--known', *THEIRS)
    cfg.load_from = str(files[name])
    run(cfg, lambda runner: runner.test())
    theirs = metrics(files['pth'].parent)
    del theirs['epoch']  # which bare weights do not know
    assert metrics(tmp_path / 'test') == theirs


def test_weights_alone_say_what_is_taken_and_are_not_resumed(files, options, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(checkpoints, 'print_log', lambda text, *args: said.append(text))
    cfg = config(options, tmp_path / 'test')
    cfg.load_from = str(files['bare.safetensors'])
    run(cfg, lambda runner: runner.test())
    assert len(said) == 1 and 'disgust, fear, happiness, in this order' in said[0]
    cfg = config(options, tmp_path / 'resume', '--known', *THEIRS)
    cfg.load_from, cfg.resume = str(files['safetensors']), True
    with pytest.raises(InputError, match='weights alone.*load_from=FILE'):
        run(cfg, lambda runner: runner.train())


def test_a_part_of_the_weights_is_never_filled_up_with_random_ones(files, options, tmp_path):
    weights = torch.load(files['bare.pth'], weights_only=True)
    lost = next(key for key in weights if key.endswith('contexts'))
    del weights[lost]
    torch.save(weights, tmp_path / 'part.pth')
    words = f'{lost} is missing there'
    with pytest.raises(InputError, match=words):
        HESPInferencer(CONFIG, tmp_path / 'part.pth', cfg_options=options)
    cfg = Config.fromfile(CONFIG)
    override(cfg, options)
    with pytest.raises(InputError, match=words):
        load_trained(cfg, tmp_path / 'part.pth')
    cfg = config(options, tmp_path / 'test')
    cfg.load_from = str(tmp_path / 'part.pth')
    with pytest.raises(InputError, match=words):
        run(cfg, lambda runner: runner.test())


def test_a_checkpoint_says_the_pixel_statistics(files, options, tmp_path):
    """Trained with CLIP's own, tested with a config that says others."""
    pixels = checkpoints.read_file(files['safetensors'])['hesp']['pixels']
    assert json.loads(json.dumps(pixels)) == dict(
        mean=[122.7709, 116.746, 104.0937], std=[68.5005, 66.6322, 70.3232])
    cfg = config(options, tmp_path / 'test', '--known', *THEIRS,
                 **{'model.mean': [127.5] * 3, 'model.std': [127.5] * 3})
    cfg.load_from = str(files['pth'])
    with pytest.raises(InputError, match='model.mean=122.771,116.746,104.094'):
        run(cfg, lambda runner: runner.test())
