"""The tools, from the command line to the files they leave, on tiny real video files."""
import io
import json
import os
import random
import runpy
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS, HOOKS, MODELS
from mmengine.config import Config
from mmengine.hooks import Hook

from hesp_mmaction.apis.config_parts import DATALOADERS
from hesp_mmaction.apis.inputs import check_inputs
from hesp_mmaction.apis.protocol import run_split
from hesp_mmaction.apis.report import table
from hesp_mmaction.apis.running import parser as make_parser
from hesp_mmaction.apis.running import read_config, run, run_tool
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.compat.mends import load_from_local
from hesp_mmaction.datasets import known_names
from hesp_mmaction.engine import QuietRunner
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import fit_temperature, load_dump, metrics_from_dump
from hesp_mmaction.evaluation.scores import SCORES

ROOT = Path(__file__).parents[2]
CONFIG = str(ROOT / 'configs/hesp_afew_o34.py')
# The scripts call `python`: it has to be the one that runs the tests.
WITH_THIS_PYTHON = os.environ | dict(
    PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']]))

WITHOUT_GPUS = WITH_THIS_PYTHON | dict(CUDA_VISIBLE_DEVICES='')  # for two processes
needs_two_cards_or_none = pytest.mark.skipif(
    torch.cuda.device_count() == 1, reason='two processes are compared with one on this device')


def config(options, work_dir, *flags, **more):
    args = make_parser('').parse_args([CONFIG, '--work-dir', str(work_dir), *flags])
    args.cfg_options = options | more
    cfg = read_config(args)
    return cfg


def command(options):
    return ['--cfg-options', *(f'{key}={value}' for key, value in options.items())]


def tool(*arguments, check=True):
    """A tool in this process, where everything is imported already: as subprocess.run gives it."""
    words, code = [str(word) for word in arguments], 0
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(ROOT)
        patch.setattr(sys, 'argv', words)
        patch.syspath_prepend(str((ROOT / words[0]).parent))
        try:
            runpy.run_path(words[0], run_name='__main__')
        except SystemExit as end:
            code = end.code or 0
            if isinstance(code, str):  # as Python itself ends with it
                print(code, file=sys.stderr)
                code = 1
    assert not check or code == 0, out.getvalue()[-3000:] + err.getvalue()[-3000:]
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def metrics(folder):
    return json.loads((Path(folder) / 'metrics.json').read_text())


# What HESP's head fits after the last epoch.
FITTED = {f'cls_head.{name}' for name in (
    'temperature', 'threshold', 'feature_length', 'joint.means', 'joint.precision',
    'joint.score_precision', 'joint.weights', 'joint.centres',
    'joint.spreads')}


@pytest.fixture(scope='module')
def straight(options, tmp_path_factory):
    """A work dir of four epochs in one go, deterministic."""
    folder = tmp_path_factory.mktemp('runs') / 'straight'
    cfg = config(options, folder, '--deterministic', **{'train_cfg.max_epochs': 4})
    run(cfg, lambda runner: runner.train())
    return folder


def test_training_leaves_results_and_a_small_checkpoint(straight):
    found = metrics(straight)
    assert {'AUROC', 'OSCR', 'ACC', 'UAR', 'AUPR_known', 'AUPR_unknown', 'FPR95_known',
            'FPR95_unknown', 'CCR10', 'DTACC', 'ECE', 'open_F1', 'num_known', 'num_unknown',
            'openness', 'known', 'threshold', 'epoch'} | {
                f'{m}_{kind}' for m in ('AUROC', 'OSCR') for kind in (
                'prob', 'logit', 'centred', 'own', 'known', 'joint',
                'joint_of_compounds')} == set(found)
    assert found['AUROC'] == found['AUROC_joint']  # the default score
    assert found['num_known'] == 6 and found['num_unknown'] == 8
    assert found['openness'] == pytest.approx(1 - (3 / 7) ** 0.5)
    dump = load_dump(straight / 'predictions.npz')
    assert metrics_from_dump(dump)['OSCR'] == found['OSCR']
    assert dump['logits_negative'].shape == (14, 3) and dump['feature'].shape == (14, 12)
    train = load_dump(straight / 'train_features.npz')
    assert train['feature'].shape == (6, 12) and len({*train['sample_id']}) == 6
    assert (train['label'] >= 0).all() and not {*train['sample_id']} & {*dump['sample_id']}
    assert np.sort(train['score'])[0] == train['threshold'] == found['threshold']  # 95 % of six
    assert dump['threshold'] == found['threshold']
    rejected = dump['score'] < found['threshold']
    assert (rejected == (dump['pred_emotion'] == 'unknown')).all()
    assert (dump['pred_emotion'] == dump['classes'][dump['pred']])[~rejected].all()
    checkpoint = torch.load(straight / 'epoch_4.pth', weights_only=False)
    assert set(checkpoint['state_dict']) == FITTED | {
        'cls_head.prompts.contexts', 'visual_prompt.delta', 'negatives.images', 'neck.weights'}
    assert checkpoint['state_dict']['cls_head.temperature'] == fit_temperature(
        train['logits'], train['label']) != 1
    assert checkpoint['hesp']['known'] == ['disgust', 'fear', 'happiness']
    assert checkpoint['hesp']['region'] == dict(region='cam', size=8, mode='add')
    assert checkpoint['hesp']['threshold'] == found['threshold']
    groups = checkpoint['optimizer']['param_groups']
    assert sum(len(group['params']) for group in groups) == 4  # nothing frozen in the optimizer
    assert not list(straight.glob('*.part'))


def test_rescore_prints_every_score(straight, tmp_path):
    script = ROOT / 'tools/analysis/rescore.py'
    lines = tool(script, straight / 'predictions.npz', '--train',
                 straight / 'train_features.npz').stdout.splitlines()
    cells = {line.split()[0]: line.split()[1:] for line in lines}
    assert [*SCORES, 'score'] == [*[name for name in cells if name in SCORES], 'score']
    found = metrics(straight)
    header = lines[0].split()
    assert cells['score'] == cells['joint'] == [f'{found[key]:.2f}' for key in header]
    without = tool(script, straight / 'predictions.npz').stdout
    assert without.count('not computed: needs features') == 14
    assert without.count('not computed: needs texts of words') == 4
    both = tool(script, straight / 'predictions.npz', '--train', straight / 'train_features.npz',
                '--words').stdout
    rows = {line.split()[0]: line.split()[1] for line in both.splitlines()}
    for name in ('eoe', 'neglabel', 'negrefine'):
        assert float(rows[name]) >= 0 and float(rows[name + '_unknown_names_possible']) >= 0
    assert 'nowhere.npz' in tool(script, tmp_path / 'nowhere.npz', check=False).stderr


def test_stop_and_resume_equal_four_epochs_straight(straight, options, tmp_path):
    run(config(options, tmp_path, '--deterministic'), lambda runner: runner.train())
    first = metrics(tmp_path)
    cfg = config(options, tmp_path, '--deterministic', **{'train_cfg.max_epochs': 4})
    cfg.resume = True
    run(cfg, lambda runner: runner.train())
    assert metrics(tmp_path) == metrics(straight) and metrics(tmp_path) != first
    a, b = (load_dump(folder / 'predictions.npz') for folder in (tmp_path, straight))
    for key in a:
        assert np.array_equal(a[key], b[key]), key
    assert same(trained_state(tmp_path), trained_state(straight))


def trained_state(folder, epoch=4):
    """Weights and momentum of a checkpoint: name or number to tensor."""
    checkpoint = torch.load(folder / f'epoch_{epoch}.pth', weights_only=False)
    momentum = checkpoint['optimizer']['state']
    assert momentum
    return checkpoint['state_dict'] | {
        key: value['momentum_buffer'] for key, value in momentum.items()}


def same(a, b):
    assert a.keys() == b.keys()
    return all(torch.equal(a[key], b[key]) for key in a)


def test_two_runs_with_one_seed_are_equal_to_the_bit_and_another_seed_differs(
        straight, options, tmp_path):
    for name, seed in (('again', 0), ('other', 1)):
        cfg = config(options, tmp_path / name, '--deterministic', '--seed', str(seed),
                     **{'train_cfg.max_epochs': 4})
        run(cfg, lambda runner: runner.train())
    assert metrics(tmp_path / 'again') == metrics(straight) != metrics(tmp_path / 'other')
    assert same(trained_state(tmp_path / 'again'), trained_state(straight))
    assert not same(trained_state(tmp_path / 'other'), trained_state(straight))


class NoisyMean(torch.nn.Module):
    """A neck that draws from the global generators: torch's, numpy's and Python's."""

    def forward(self, x, data_samples=None):
        noise = 1 + random.random() + np.random.random() if self.training else 1
        return noise * torch.nn.functional.dropout(x, 0.5, self.training).mean(1)


class DrawOnceARun(Hook):
    """Draws as loaders with persistent workers do (these take seconds to end)."""
    drawn = False

    def before_train_epoch(self, runner):
        if not self.drawn:
            self.drawn = torch.rand(1), random.random(), np.random.random()


@pytest.mark.ci
def test_stop_and_resume_of_a_model_that_draws_random_numbers(options, tmp_path, monkeypatch):
    """Also with an evaluation per epoch and persistent loaders, which draw as well."""
    monkeypatch.setitem(MODELS.module_dict, 'NoisyMean', NoisyMean)
    monkeypatch.setitem(HOOKS.module_dict, 'DrawOnceARun', DrawOnceARun)

    def train(name, epochs, hook=True):
        cfg = config(options, tmp_path / name, '--deterministic', **{
            'train_cfg.max_epochs': epochs, 'train_cfg.val_interval': 1})
        cfg.model.neck = dict(type='NoisyMean')
        cfg.resume = True
        cfg.custom_hooks.append(dict(type='DrawOnceARun', priority='LOWEST'))
        if not hook:
            cfg.custom_hooks = [h for h in cfg.custom_hooks if h['type'] != 'RandomStateHook']
        run(cfg, lambda runner: runner.train())

    train('straight', 4)
    train('resumed', 2)
    states = load_from_local(tmp_path / 'resumed/epoch_2.pth', 'cpu')['random_states']
    assert len(states) == 1 and set(states[0]) == {'python', 'numpy', 'torch', 'gpu'}
    shutil.copytree(tmp_path / 'resumed', tmp_path / 'bare')
    (tmp_path / 'bare/last_checkpoint').write_text(str(tmp_path / 'bare/epoch_2.pth'))
    train('resumed', 4)
    train('bare', 4, hook=False)
    expected = trained_state(tmp_path / 'straight')
    assert same(trained_state(tmp_path / 'resumed'), expected)
    assert not same(trained_state(tmp_path / 'bare'), expected)  # the hook is what does it


def test_test_of_the_checkpoint_gives_the_figures_of_the_training(straight, options, tmp_path):
    cfg = config(options, tmp_path)
    cfg.load_from = str(straight / 'epoch_4.pth')
    run(cfg, lambda runner: runner.test())
    expected = metrics(straight)
    expected.pop('epoch')
    assert metrics(tmp_path) == expected


@pytest.mark.ci
@pytest.mark.parametrize('name, changes, size', [
    ('hesp_tsn_r50_afew_o34', {}, 32), ('hesp_slowonly_afew_o34', {}, 32)])
def test_configs_with_other_backbones_train(options, tmp_path, name, changes, size):
    cfg = Config.fromfile(ROOT / f'configs/{name}.py')
    chosen = {k: v for k, v in options.items() if not k.startswith('clip')}
    override(cfg, chosen | {'image_size': size, 'train_cfg.max_epochs': 1,
                            'optim_wrapper.optimizer.lr': 0.01})
    cfg.work_dir, cfg.model.backbone.depth = str(tmp_path), 18
    cfg.model.cls_head.in_channels = 512
    if 'dim' in cfg.model.negatives:
        cfg.model.negatives.dim = 512
    run(cfg, lambda runner: runner.train())
    assert 0 <= metrics(tmp_path)['AUROC'] <= 100


@pytest.mark.parametrize('name, changes, learned', [
    ('clip_arpl_afew_o34', {}, {'cls_head.points', 'cls_head.radius', 'cls_head.temperature',
                                'cls_head.threshold'}),
    ('hesp_on_clip_arpl_afew_o34', {'model.cls_head.learn_negative_text': True}, FITTED | {
        'cls_head.prompts.contexts', 'cls_head.negative_prompts.contexts', 'cls_head.radius',
        'visual_prompt.delta', 'negatives.images', 'neck.weights'})])
def test_baselines_and_hesp_on_them_train_and_are_tested(options, tmp_path, name, changes, learned):
    found = run_split(str(ROOT / f'configs/{name}.py'), 1, tmp_path, options | changes)
    assert 0 <= found['AUROC'] <= 100
    state = torch.load(tmp_path / 'epoch_2.pth', weights_only=False)['state_dict']
    assert set(state) == learned
    assert state['cls_head.radius'] > 0


@pytest.mark.parametrize('path', sorted((ROOT / 'configs').glob('*.py')), ids=lambda p: p.stem)
def test_every_config_can_be_read_and_wired(path):
    cfg = Config.fromfile(path)
    if 'protocol' not in cfg:  # a closed set
        assert cfg.test_dataloader.dataset.closed_set and path.stem.endswith('_closed')
        return
    dataset, openness = cfg.protocol.dataset, cfg.protocol.openness
    # The embedded model's four are no published split.
    first = known_names(dataset, openness, 0) if path.stem != 'hesp_synthetic_o43' else [
        'happiness', 'sadness', 'anger', 'neutral']
    check_known(cfg, first)
    assert len(path.read_text().splitlines()) <= 45
    data = [cfg[part].dataset for part in DATALOADERS if cfg.get(part)]
    assert all(d.type == data[0].type for d in data)
    prompt = (cfg.model.get('visual_prompt') or {}).get('size')
    share = prompt and prompt / cfg.image_size
    last = 4 if dataset in ('AFEW', 'MAFW', 'DFEW') else 0  # the other tasks have one split
    override(cfg, dict(image_size=64, num_frames=4, data_root='elsewhere', lists=LISTS), split=last)
    check_known(cfg, known_names(dataset, openness, last))
    data = [cfg[part].dataset for part in DATALOADERS if cfg.get(part)]
    assert all(d.data_root == 'elsewhere' and d.lists == LISTS for d in data)
    sizes = {t.scale for d in data for t in d.pipeline if t.type == 'Resize'}
    assert sizes == {(64, 64)}
    if prompt:  # a quarter of the image; more for a border of an eighth of it
        assert cfg.model.visual_prompt['size'] == int(64 * share) and share in (0.25, 148 / 224)
    frames = {t.get('num_clips', t.get('clip_len')) for d in data for t in d.pipeline
              if t.type in ('SampleFrames', 'UniformSample')}
    assert frames == {4} and cfg.model.get('neck', {}).get('num_frames', 4) == 4
    if last:
        other = '5:6' if dataset == 'MAFW' else '5:2'
        override(cfg, split=0, openness=other)
        check_known(cfg, known_names(dataset, other, 0))


LISTS = dict(train='a.txt', test='b.txt')


def check_known(cfg, names):
    ours = cfg.model if 'known' in cfg.model else cfg.model.cls_head
    assert cfg.known == ours.known == list(names)
    assert cfg.model.get('neck', {}).get('num_classes', len(names)) == len(names)
    for part in DATALOADERS:
        if cfg.get(part):
            assert cfg[part].dataset.known == list(names)


def test_there_is_a_config_per_published_openness():
    for dataset, openness in (('AFEW', '5:2 4:3 3:4 2:5'), ('MAFW', '8:3 6:5 5:6 3:8'),
                              ('DFEW', '5:2 4:3 3:4 2:5')):
        for pair in openness.split():
            name = f'hesp_{dataset.lower()}_o{pair.replace(":", "")}.py'
            protocol = Config.fromfile(ROOT / 'configs' / name).protocol
            assert (protocol.dataset, protocol.openness) == (dataset, pair)


def test_folds_and_the_two_roots_of_fusion_are_carried():
    cfg = Config.fromfile(ROOT / 'configs/hesp_fusion.py')
    override(cfg, dict(data_root='a', mafw_root='b', fold=3, faces=True))
    for part in DATALOADERS:
        found = cfg[part].dataset
        assert (found.data_root, found.mafw_root, found.fold, found.faces) == ('a', 'b', 3, True)
    with pytest.raises(InputError, match='AFEWDataset, the data set of this config, has no fold'):
        override(Config.fromfile(CONFIG), dict(fold=2))


@pytest.mark.parametrize('name, size', [('mafw_closed', 11), ('dfew_closed', 7), ('ferv39k', 7)])
def test_the_closed_set_bases_know_every_class(name, size):
    cfg = Config.fromfile(ROOT / f'configs/_base_/datasets/{name}.py')
    for part in DATALOADERS:
        found = cfg[part].dataset
        assert found.closed_set and len(found.known) == size and found.known == cfg.known
        classes = DATASETS.get(found.type).ALL_CLASSES
        assert set(found.known) == set(classes)


@pytest.mark.ci
def test_a_closed_set_is_trained_and_gets_uar_and_war(options, tiny_afew, tmp_path):
    known = ['anger', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise']
    cfg = config(options, tmp_path, '--known', *known, **{'train_cfg.val_interval': 1})
    for part in DATALOADERS:
        cfg[part].dataset.closed_set = True
    run(cfg, lambda runner: runner.train())
    found = metrics(tmp_path)
    assert found['WAR'] == found['ACC'] and 0 <= found['UAR'] <= 100 and found['num_known'] == 14
    assert not {key for key in found if 'AUROC' in key or 'OSCR' in key}


def test_options_can_be_used_again():
    options = Config({'model.negatives': dict(_delete_=True, type='NegativePoints')})
    options = dict(options.items())  # ConfigDict values, as an ablation's rows have
    for _ in range(2):  # as for one split after the other
        cfg = Config.fromfile(CONFIG)
        override(cfg, options, split=0)
        assert cfg.model.negatives == dict(type='NegativePoints')


@pytest.mark.ci
def test_run_split_and_table(options, tmp_path):
    rows = [run_split(CONFIG, split, tmp_path / str(split),
                      options | {'train_cfg.max_epochs': 1}) for split in (0, 3)]
    zero = [run_split(str(ROOT / 'configs/clip_zeroshot_afew_o34.py'), split,
                      tmp_path / f'zero{split}', options) for split in (0, 3)]
    text = table(dict(hesp=rows, zero=zero)).splitlines()
    for row in rows:  # contexts, negatives, the prompt's pixels and the filter
        assert row['seconds_per_epoch'] > 0
        assert row['trainable'] == 3 * 16 * 16 + 3 * 3 * 32 ** 2 + 3 * 8 ** 2 + 8
    assert 'trainable' not in zero[0]
    assert len(text) == 6 and 'happiness, neutral, surprise' in text[3]
    mean = (rows[0]['OSCR'] + rows[1]['OSCR']) / 2
    assert f'{mean:.2f}' in text[4].split('|')[3]


def test_one_region_for_all_is_decided_once_and_kept(options, tmp_path):
    chosen = {'model.visual_prompt.region': 'dataset'}
    run(config(options, tmp_path, **chosen), lambda runner: runner.train())
    path = tmp_path / 'epoch_2.pth'
    window = torch.load(path, weights_only=False)['state_dict']['visual_prompt.window']
    assert (window >= 0).all() and (window <= 24).all()
    cfg = config(options, tmp_path / 'test', **chosen)
    cfg.load_from = str(path)
    run(cfg, lambda runner: runner.test())
    assert metrics(tmp_path / 'test')['OSCR'] == metrics(tmp_path)['OSCR']
    cfg = config(options, tmp_path / 'bare', **chosen)
    assert 'train first' in error_of(cfg, 'test')


@pytest.mark.ci
def test_best_on_test_goes_by_its_own_name(options, tmp_path):
    run(config(options, tmp_path, **{'train_cfg.val_interval': 1}), lambda runner: runner.train())
    found = metrics(tmp_path)
    assert found['best_on_test_AUROC'] >= found['AUROC']
    assert found['best_on_test_OSCR'] >= found['OSCR']


# ------------------------------------------------------------------------------- bad input
def error_of(cfg, action='train'):
    with pytest.raises((InputError, FileNotFoundError)) as caught:
        run(cfg, lambda runner: getattr(runner, action)())
    return str(caught.value)


def test_missing_data_root_names_the_folder_and_leaves_nothing(options, tmp_path):
    work = tmp_path / 'work'
    said = error_of(config(options, work, data_root=str(tmp_path / 'nowhere')))
    assert 'nowhere' in said and 'make_synthetic' in said and not work.exists()


@pytest.mark.parametrize('flags, said', [
    (['--known', 'anger', 'boredom'], 'boredom'), (['--known', 'anger'], 'two known'),
    (['--known', 'anger', 'contempt'], 'contempt'), (['--split', '9'], '9'),
    (['--known', 'anger', 'fear', '--split', '1'], 'not both'),
    (['--known', 'angry', 'disgust', 'fear', 'happy', 'neutral', 'sad', 'surprise'],
     'leave at least one out')])
def test_bad_names_are_named(options, tmp_path, flags, said):
    with pytest.raises(InputError, match=said):
        run(config(options, tmp_path / 'w', *flags), lambda runner: runner.train())
    assert not (tmp_path / 'w').exists()


def test_checkpoint_of_other_names_or_sizes_is_refused(straight, options, tmp_path):
    cfg = config(options, tmp_path / 'a', '--split', '1')
    cfg.load_from = str(straight / 'epoch_4.pth')
    assert '--known disgust fear happiness' in error_of(cfg, 'test')
    cfg = config(options, tmp_path / 'b', '--known', 'fear', 'disgust', 'happiness')
    cfg.load_from = str(straight / 'epoch_4.pth')  # the same names in another order
    assert '--known disgust fear happiness' in error_of(cfg, 'test')
    cfg = config(options, tmp_path / 'c', **{'model.cls_head.num_contexts': 4})
    cfg.load_from = str(straight / 'epoch_4.pth')
    assert 'cls_head.prompts.contexts' in error_of(cfg, 'test')


def test_foreign_weights_are_refused(options, tmp_path):
    torch.save(dict(state_dict=dict(something=torch.zeros(2))), tmp_path / 'other.pth')
    cfg = config(options, tmp_path / 'w')
    cfg.load_from = str(tmp_path / 'other.pth')
    assert 'no parameter in common' in error_of(cfg, 'test')


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, 'w')


@pytest.mark.parametrize('words', [
    ['train.py', '--resume'], ['test.py', 'bad.pth'],
    pytest.param(['train.py', '--resume', 'bad.pth'], marks=pytest.mark.slow),
    pytest.param(['train.py', '--load-from', 'bad.pth'], marks=pytest.mark.slow)])
def test_a_malicious_checkpoint_is_refused_by_every_tool(straight, options, tmp_path, words):
    """A whole checkpoint with a payload beside its weights; as the latest of the work dir, too."""
    checkpoint = load_from_local(str(straight / 'epoch_4.pth'), 'cpu')
    torch.save(dict(checkpoint, extra=Payload(str(tmp_path / 'executed'))), tmp_path / 'bad.pth')
    (tmp_path / 'work').mkdir()
    (tmp_path / 'work/last_checkpoint').write_text(str(tmp_path / 'bad.pth'))
    options = dict(options)
    if '--load-from' in words:
        words, options['load_from'] = words[:1], tmp_path / 'bad.pth'
    name, *flags = [word.replace('bad.pth', str(tmp_path / 'bad.pth')) for word in words]
    result = tool(f'tools/{name}', CONFIG, *flags, '--work-dir', tmp_path / 'work',
                  *command(options), check=False)
    assert result.returncode == 1 and not (tmp_path / 'executed').exists()
    said = result.stderr.strip().splitlines()[-1]
    assert said.startswith('error: ') and 'bad.pth was refused' in said and 'open' in said


def test_model_and_data_that_disagree_stop_before_the_first_step(options, tmp_path):
    cfg = config(options, tmp_path / 'w')
    cfg.model.known = ['fear', 'disgust', 'happiness']
    assert 'fear, disgust, happiness' in error_of(cfg)


# ----------------------------------------------------------------- as a person calls them
@pytest.mark.ci
def test_command_line_error_is_one_line_and_exit_code_1(options, tmp_path):
    result = subprocess.run([sys.executable, 'tools/train.py', CONFIG, '--work-dir', tmp_path / 'w',
                             '--known', 'anger', 'boredom', *command(options)], cwd=ROOT,
                            text=True, capture_output=True)
    assert result.returncode == 1 and result.stdout == ''  # nothing of mmcv-lite either
    said, = result.stderr.splitlines()
    assert said.startswith("error: known class 'boredom' is not in the data set")
    assert not (tmp_path / 'w').exists()


@pytest.mark.parametrize('words, said', [
    (['train.py', 'nowhere.py'], 'no config nowhere.py: give the path of a file'),
    (['test.py', CONFIG, 'nowhere.pth', '--split', '1'], 'The checkpoint nowhere.pth does not'),
    (['run_splits.py', CONFIG, 'nowhere.py'], 'no config nowhere.py'),
    (['run_protocol.py', 'all', 'nowhere.py', '--task', 'afew'], 'no config nowhere.py')])
def test_files_that_are_not_there_are_said_before_torch_is_imported(tmp_path, words, said):
    (tmp_path / 'torch.py').write_text('raise SystemExit("torch was imported")')
    result = subprocess.run([sys.executable, ROOT / 'tools' / words[0], *words[1:]], text=True,
                            capture_output=True, cwd=tmp_path,
                            env=os.environ | dict(PYTHONPATH=str(tmp_path)))
    assert result.returncode == 1 and result.stderr.startswith(f'error: {said}')


def test_the_start_of_a_run_is_a_screen_and_its_log_is_whole(straight, options, tmp_path):
    done = tool('tools/train.py', CONFIG, '--work-dir', tmp_path, *command(options | {
        'train_cfg.max_epochs': 1}))
    lines = done.stdout.splitlines()
    first = next(i for i, line in enumerate(lines) if 'Epoch(train)' in line)
    assert first < 20 and not any(word in done.stdout for word in (
        'FileClient', 'HardDiskBackend', 'System environment', 'before_train', 'cls_head=dict('))
    log, = tmp_path.glob('*/*.log')
    assert str(log) in lines[0]
    text = log.read_text()
    for word in ('System environment', 'before_train:', 'cls_head=dict(', 'known: disgust, fear'):
        assert word in text
    assert 'FileClient' not in text


@pytest.mark.parametrize('name', ['hesp_afew_o34', 'hesp_afew_o34.py', CONFIG])
def test_the_name_of_a_config_is_enough(tool_module, name):
    tool_module('_first_look.py').first_look([name])  # ends the tool if it finds none
    assert make_parser('').parse_args([name]).config == CONFIG


@pytest.mark.parametrize('word, said', [
    ('a', "'a' is not key=value"), ('a=[1,2', 'a=[1,2: '), ('optim_wraper.optimizer.lr=1',
     "this config has no 'optim_wraper'; did you mean 'optim_wrapper'?"),
    ('model.cls_head.type=Nothing', 'error: in the config: Nothing is not in the mmaction::model'),
    ('model.cls_head.nothing=1', "unexpected keyword argument 'nothing'"),
    ('randomness.seed.deep=1', "--cfg-options "), ('load_from=a.pth', 'The checkpoint a.pth')])
def test_a_wrong_setting_is_one_line(options, tmp_path, word, said):
    done = tool('tools/train.py', CONFIG, '--work-dir', tmp_path / 'w', *command(options), word,
                check=False)
    assert done.returncode in (1, 2) and said in done.stderr.splitlines()[-1]
    assert not (tmp_path / 'w').exists()


@pytest.mark.parametrize('text, said', [
    ('a = (', 'SyntaxError'), ("_base_ = ['nothing.py']", 'FileNotFoundError'),
    ('a = b', "NameError: name 'b' is not defined")])
def test_a_config_that_python_cannot_read_is_one_line(tmp_path, text, said):
    (tmp_path / 'mine.py').write_text(text)
    done = tool('tools/train.py', tmp_path / 'mine.py', check=False)
    assert done.returncode == 1
    line, = done.stderr.splitlines()
    assert said in line
    assert line.startswith(f'error: the config {tmp_path}/mine.py cannot be read (')


def test_errors_of_the_system_are_one_line(options, tmp_path, monkeypatch):
    """A disk that is full while a checkpoint is written, a folder of another's."""
    for error, said in ((OSError(28, 'No space left on device', '/disk/epoch_1.pth'),
                         'error: /disk/epoch_1.pth: No space left on device'),
                        (PermissionError(13, 'Permission denied', '/theirs'),
                         'error: /theirs: Permission denied')):
        def fail(error=error):
            raise error
        with pytest.raises(SystemExit) as ended:
            run_tool(fail)
        assert str(ended.value) == said


def test_a_name_that_is_not_text_is_printed_and_logged(options, tmp_path, monkeypatch):
    """On a terminal without such letters, and in the log of a run."""
    name = os.fsdecode(b'a\xff.avi')
    monkeypatch.setattr(sys, 'stdout', io.TextIOWrapper(io.BytesIO(), 'ascii'))
    run_tool(lambda: print(name))
    sys.stdout.flush()
    assert sys.stdout.buffer.getvalue() == b'a\\udcff.avi\n'
    QuietRunner.from_cfg(config(options, tmp_path / 'w')).logger.info(name)
    log, = tmp_path.glob('w/*/*.log')
    assert log.read_text().endswith('a\\udcff.avi\n')


@needs_two_cards_or_none
@pytest.mark.ci
def test_two_processes_evaluate_like_one_with_an_odd_number_of_clips(
        straight, options, tiny_afew, tmp_path):
    data = tmp_path / 'odd'
    shutil.copytree(tiny_afew, data)
    (data / 'Val_AFEW/Sad/000.avi').unlink()
    cfg = config(options, tmp_path / 'one', data_root=str(data))
    cfg.load_from = str(straight / 'epoch_4.pth')
    run(cfg, lambda runner: runner.test())
    result = subprocess.run(
        ['bash', str(ROOT / 'tools/dist_test.sh'), CONFIG, str(straight / 'epoch_4.pth'), '2',
         '--work-dir', str(tmp_path / 'two'), *command(options | dict(data_root=str(data)))],
        text=True, capture_output=True, env=WITH_THIS_PYTHON)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    two, one = (metrics(tmp_path / name) for name in ('two', 'one'))
    assert two.pop('ECE') == pytest.approx(one.pop('ECE'), rel=1e-6)  # batches differ, so rounding
    assert two == one and two['num_unknown'] == 7


@needs_two_cards_or_none
@pytest.mark.ci
def test_two_processes_train_like_one(options, tmp_path):
    # One fixed region: with random weights the largest window is a near tie, and rounding decides.
    options = options | {'train_cfg.max_epochs': 4, 'model.visual_prompt.region': 'centre'}
    run(config(options, tmp_path / 'one'), lambda runner: runner.train())
    options = options | {'train_dataloader.batch_size': 2}
    result = subprocess.run(
        ['bash', str(ROOT / 'tools/dist_train.sh'), CONFIG, '2', '--work-dir',
         str(tmp_path / 'two'), *command(options)],
        text=True, capture_output=True, env=WITH_THIS_PYTHON)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    a, b = (torch.load(tmp_path / name / 'epoch_4.pth', weights_only=False)['state_dict']
            for name in ('one', 'two'))
    for key in b:
        torch.testing.assert_close(a[key], b[key], rtol=1e-3, atol=1e-5)
    for name in ('AUROC', 'OSCR', 'ACC'):
        assert abs(metrics(tmp_path / 'one')[name] - metrics(tmp_path / 'two')[name]) <= 0.2


@pytest.mark.ci
@pytest.mark.parametrize('workers', [0, 2])
def test_damaged_clips_stop_neither_training_nor_test(options, tiny_afew, tmp_path, write_damaged,
                                                      workers):
    root = shutil.copytree(tiny_afew, tmp_path / 'afew')
    for part in ('Train_AFEW', 'Val_AFEW'):
        write_damaged(root / part / 'Fear')
    cfg = config(options, tmp_path / 'run', '--known', 'fear', 'happy', data_root=str(root),
                 **{'test_dataloader.num_workers': workers, 'val_dataloader.num_workers': workers,
                    'train_dataloader.num_workers': workers, 'train_cfg.max_epochs': 1})
    run(cfg, lambda runner: runner.train())
    broken = {f'Val_AFEW/Fear/{name}.avi' for name in ('blank', 'half', 'luck')}
    dump = load_dump(tmp_path / 'run' / 'predictions.npz')
    fear = {key for key in dump['sample_id'].tolist() if '/Fear/' in key}
    assert fear == {f'Val_AFEW/Fear/{name}.avi' for name in ('000', '001', 'odd', 'one')}
    assert metrics(tmp_path / 'run')['num_known'] == 6
    train = load_dump(tmp_path / 'run' / 'train_features.npz')  # of the threshold
    assert 'undecodable' not in train['emotion'] and len(train['label']) == 6
    log = ''.join(file.read_text() for file in (tmp_path / 'run').rglob('*.log'))
    assert f'3 of 19 clips cannot be decoded and count in no figure: {", ".join(sorted(broken))}' \
        in log


@pytest.mark.parametrize('key, value, named', [
    ('train_dataloader.batch_size', 0, 'train_dataloader.batch_size'),
    ('train_dataloader.batch_size', 'many', 'train_dataloader.batch_size'),
    ('num_frames', 0, 'SampleFrames.num_clips in the pipeline of train_dataloader')])
def test_sizes_that_cannot_be_are_named_first(options, tmp_path, key, value, named):
    said = f'^{named} must be a whole number from 1 on, not {value!r}'
    with pytest.raises(InputError, match=said):
        check_inputs(config(options, tmp_path, **{key: value}), ['train_dataloader'])


@pytest.mark.parametrize('tool, words, name', [
    ('infer.py', ['clip.avi', '--out', '~/a'], 'out'),
    ('infer.py', ['clip.avi', '--json', '~/a'], 'json')])
def test_a_tilde_is_home_where_results_go(tool_module, monkeypatch, tool, words, name):
    monkeypatch.setenv('HOME', '/home/somebody')
    monkeypatch.setattr(sys, 'argv', [tool, *words])
    assert getattr(tool_module(tool).parse_args(), name) == '/home/somebody/a'


def test_a_tilde_is_home_for_work_dirs_and_stores(options, tmp_path, monkeypatch):
    # A shell leaves it as it is in --work-dir=~/a and features=~/a.
    monkeypatch.setenv('HOME', str(tmp_path))
    args = make_parser('').parse_args([CONFIG, '--work-dir=~/a'])
    assert args.work_dir == str(tmp_path / 'a')
    with pytest.raises(InputError, match=f'features: no store in {tmp_path}/store'):
        check_inputs(config(options, tmp_path, features='~/store'), ['train_dataloader'])
    assert config(options, tmp_path, cache='~/store').cache == str(tmp_path / 'store')
