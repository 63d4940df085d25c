"""A model as ONNX against the model itself, and the runtime example against a test run."""
import re
import runpy
import subprocess
import sys

import cv2
import numbered
import numpy as np
import pytest
import torch
from mmaction.datasets.transforms import SampleFrames
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from test_tools import CONFIG, ROOT, config
from torch.fx.experimental.proxy_tensor import make_fx

from hesp_mmaction.apis.export import (
    OLDEST_RUNTIME,
    check_model,
    differences,
    export,
    forward,
    sampling_of,
    to_onnx,
)
from hesp_mmaction.apis.onnx_gradients import avg_pool2d_backward, convolution_backward
from hesp_mmaction.apis.running import run
from hesp_mmaction.apis.trained import load_trained
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.datasets.video import Video
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import load_dump
from hesp_mmaction.models.clip import load_clip
from hesp_mmaction.models.heads import GCPLHead
from hesp_mmaction.models.prompts.region import largest_window

onnx = pytest.importorskip('onnx')
onnxruntime = pytest.importorskip('onnxruntime')

tiny = runpy.run_path(str(ROOT / 'tests/models/tiny.py'))
RUNTIME = ROOT / 'tools/deployment/run_onnx.py'
KNOWN = ['sadness', 'anger', 'fear']  # not those of the config
# Runs the example where PyTorch, MMAction2 and this package cannot be imported.
ALONE = """
import runpy, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('torch', 'mmaction', 'mmengine', 'mmcv', 'decord',
                                  'hesp_mmaction'):
            raise ImportError(f'{name} is blocked')
sys.meta_path.insert(0, Blocked())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name='__main__')
"""


def alone(*arguments):
    return subprocess.run([sys.executable, '-c', ALONE, str(RUNTIME), *map(str, arguments)],
                          text=True, capture_output=True)


def shake(model):
    """Prompts and contexts off their neutral values."""
    torch.manual_seed(3)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if 'delta' in name or 'contexts' in name:
                value += 0.1 * torch.randn_like(value)
    return model.eval()


@pytest.fixture(scope='module')
def clip_files(tmp_path_factory):
    """dict(vit=..., resnet=...): arguments of two tiny CLIPs with weights on disk, whose activation
    maps are neither empty nor flat."""
    folder = tmp_path_factory.mktemp('clips')
    found = tiny['write'](folder)
    for name, arguments in found.items():
        torch.manual_seed(0)
        clip = load_clip(**arguments)
        for value in clip.parameters():
            value.data += 0.2 * torch.randn_like(value)
        torch.save(clip.state_dict(), folder / f'{name}.pt')
        arguments['pretrained'] = str(folder / f'{name}.pt')
    return found


@pytest.fixture(scope='module')
def vit_options(options, clip_files):
    """--cfg-options of the tiny ViT on the tiny clips."""
    return options | {f'clip.{key}': value for key, value in clip_files['vit'].items()}


@pytest.fixture(scope='module')
def exported(vit_options, tmp_path_factory):
    """Of a tiny ViT: ONNX file, checkpoint, model, config, metadata, the dump of a test run."""
    folder = tmp_path_factory.mktemp('exported')
    cfg = config(vit_options, folder / 'run', '--known', *KNOWN)
    model = shake(load_model(cfg))
    checkpoint = folder / 'model.pth'

    def test(threshold):
        model.cls_head.threshold.fill_(threshold)
        torch.save(dict(state_dict=model.state_dict(), hesp=dict(known=KNOWN)), checkpoint)
        cfg.load_from = str(checkpoint)
        run(cfg.copy(), lambda runner: runner.test())
        return load_dump(folder / 'run/predictions.npz')

    # Between two samples, so that half of them are unknown and none is on the edge.
    middle = np.sort(test(float('nan'))['score'])[6:8].mean()
    dump = test(middle)
    found = export(CONFIG, str(checkpoint), str(folder / 'model.onnx'), vit_options)
    return folder / 'model.onnx', checkpoint, *found, dump


def load_model(cfg):
    init_default_scope('mmaction')
    return MODELS.build(cfg.model)


def clips_of(dump, root):
    return [root / name for name in dump['sample_id']]


@pytest.mark.ci
def test_onnx_gives_what_pytorch_gives_on_files(exported, tiny_afew):
    path, _, model, cfg, _, dump = exported
    found = differences(model, cfg, path, clips_of(dump, tiny_afew))
    assert found.pop('region') == 0
    assert set(found) == {'logits', 'logits_known', 'score', 'probabilities'}
    assert max(found.values()) < 1e-4
    assert min(found.values()) < max(found.values())  # they were measured


@pytest.mark.ci
def test_the_oldest_runtime_is_that_of_the_files(exported, tool_module, tiny_afew, monkeypatch):
    path, _, model, cfg, _, dump = exported
    proto = onnx.load(path, load_external_data=False)
    assert proto.ir_version <= 10 and {o.version for o in proto.opset_import if not o.domain} <= {
        *range(21)}
    example = tool_module('deployment/run_onnx.py')
    assert example.OLDEST == OLDEST_RUNTIME
    for version in ('1.18.1', '1.18.2', '1.19.0', '1.19', '2.0.0', '1.100.0+cpu'):
        example.check_runtime(version)
    for version in ('1.18.0', '1.17.3', '1.9.0', '1.18', '0.99.9'):
        with pytest.raises(ValueError, match=f'onnxruntime {version} is too old.*>=1.18.1'):
            example.check_runtime(version)
    monkeypatch.setattr(onnxruntime, '__version__', '1.17.3')
    with pytest.raises(InputError, match='onnxruntime 1.17.3 is too old'):
        differences(model, cfg, path, clips_of(dump, tiny_afew))


@pytest.mark.ci
def test_the_example_alone_says_what_a_test_run_says(exported, tiny_afew):
    path, *_, dump = exported
    result = alone(path, *clips_of(dump, tiny_afew))
    assert result.returncode == 0, result.stderr
    *lines, last = result.stdout.splitlines()
    for line, name, score in zip(lines, dump['pred_emotion'], dump['score'], strict=True):
        label, value = re.search(r': (\w+), score (-?[\d.]+),', line).groups()
        assert label == name and float(value) == pytest.approx(score, abs=2e-3)
    assert (dump['pred_emotion'] == 'unknown').sum() == 7 and 'median' in last


@pytest.mark.ci
def test_the_file_tells_what_the_runtime_has_to_know(exported, tool_module, tiny_afew):
    path, _, model, _, metadata, dump = exported
    found = tool_module('deployment/run_onnx.py').Model(str(path))
    assert found.about == metadata
    assert metadata['known'] == KNOWN  # the checkpoint's, whatever the config says
    assert metadata['threshold'] == dump['threshold']
    assert (metadata['image_size'], metadata['num_frames'], metadata['prompt_size']) == (32, 8, 8)
    # The text tower and the negatives' images are not in it.
    assert path.stat().st_size < 4 * sum(p.numel() for p in model.parameters()) / 5


@pytest.mark.ci
def test_regions_differ_and_the_prompt_acts_there(exported, tool_module, tiny_afew):
    path, _, model, _, _, dump = exported
    example = tool_module('deployment/run_onnx.py')
    runtime, regions = example.Model(str(path)), set()
    for clip in clips_of(dump, tiny_afew):
        frames = example.read_clip(str(clip), 8, 32)
        found = runtime.predict(frames)
        regions.add(tuple(found['region'].tolist()))
        top, left = found['region']
        with torch.no_grad():  # a PyTorch model with that window, fixed, gives the same
            model.visual_prompt.region = (int(top), int(left))
            try:
                expected = forward(model, torch.from_numpy(frames))['logits'][0]
            finally:
                model.visual_prompt.region = 'cam'
        np.testing.assert_allclose(found['logits'], expected, atol=1e-4)
    assert len(regions) > 3


def agree(model, size, num_frames=4, count=4):
    """Export a model and compare it on coarse noise; gives the regions."""
    session = onnxruntime.InferenceSession(
        to_onnx(model, size, num_frames).SerializeToString(), providers=['CPUExecutionProvider'])
    names = [output.name for output in session.get_outputs()]
    generator, regions = torch.Generator().manual_seed(0), []
    for _ in range(count):
        frames = torch.randint(0, 256, (1, num_frames, 3, size // 8, size // 8),
                               generator=generator, dtype=torch.uint8)
        frames = frames.repeat_interleave(8, 3).repeat_interleave(8, 4)
        with torch.no_grad():
            ours = forward(model, frames)
        theirs = dict(zip(names, session.run(None, dict(frames=frames.numpy())), strict=True))
        assert set(ours) == set(theirs)
        for name, value in ours.items():
            np.testing.assert_allclose(value, theirs[name], atol=1e-4, err_msg=name)
        regions.append(tuple(theirs['region'][0].tolist()) if 'region' in theirs else None)
    return regions


def leaf(name, clip, size, **more):
    """The model of a config with a tiny CLIP."""
    cfg = Config.fromfile(ROOT / 'configs' / name)
    override(cfg, {'image_size': size} | more | {f'clip.{k}': v for k, v in clip.items()})
    return shake(load_model(cfg))


@pytest.mark.ci
def test_the_resnet_form_with_its_activation_map(clip_files):
    model = leaf('hesp_afew_o34.py', clip_files['resnet'], 64, num_frames=4)
    assert len(set(agree(model, 64))) > 1


@pytest.mark.ci
def test_ties_of_windows_go_to_the_centre_in_onnx_too():
    """Sums that are equal but for rounding are ties: 1e-9 must not become zero on the way."""
    maps = torch.tensor([0.1, 0.7, 0.3, 0.2])[None, :, None].expand(1, 4, 4).contiguous()
    graph = make_fx(lambda x: largest_window(x, 36, 9))(maps).eval()
    program = torch.onnx.export(graph, (maps,), dynamo=True, verbose=False, input_names=['maps'])
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString(),
                                           providers=['CPUExecutionProvider'])
    found = session.run(None, dict(maps=maps.numpy()))[0]
    assert found.tolist() == largest_window(maps, 36, 9).tolist() and found[0, 1] == 13


@pytest.mark.slow
@pytest.mark.parametrize('region', ['centre', 'border', (1, 2), 'dataset', None])
def test_every_region(clip_files, region):
    if region is None:
        changes = {'model.visual_prompt': None}
    else:
        changes = {'model.visual_prompt.region': region, 'model.visual_prompt.mode': 'replace'}
    model = leaf('hesp_afew_o34.py', clip_files['vit'], 32, num_frames=4, **changes)
    expected = {'centre': (12, 12), (1, 2): (1, 2), 'dataset': (3, 4)}.get(region)
    if region == 'dataset':
        with pytest.raises(InputError, match='not decided yet'):
            to_onnx(model, 32, 4)
        model.visual_prompt.window.copy_(torch.tensor([3, 4]))
    assert set(agree(model, 32, count=2)) == {expected}


# One of each kind: fixed texts, learned texts, texts of the sample, points, a linear layer, tokens
# in the tower, a transformer over time, maps.
@pytest.mark.slow
@pytest.mark.parametrize('name', ['clip_zeroshot', 'coop', 'cocoop', 'clip_arpl', 'linear_probe',
                                  'vpt', 'dfer_clip', 'cssr', 'rcssr'])
def test_other_methods(clip_files, name):
    agree(leaf(f'{name}_afew_o34.py', clip_files['vit'], 32), 32, num_frames=8)


@pytest.mark.slow
@pytest.mark.parametrize('neck', ['TemporalConvolution', 'TemporalDifferenceAdapter'])
def test_other_necks(clip_files, neck):
    agree(leaf('hesp_afew_o34.py', clip_files['vit'], 32, neck=neck), 32)


@pytest.mark.slow
def test_more_frames_than_an_mlp_takes_at_once(clip_files):
    model = leaf('hesp_afew_o34.py', clip_files['vit'], 32, num_frames=20)
    agree(model, 32, num_frames=20, count=2)


@pytest.mark.parametrize('stride, padding, dilation, groups, size', [
    (1, 0, 1, 1, (7, 9)), (2, 1, 1, 1, (8, 9)), (3, 2, 2, 2, (12, 11))])
def test_gradient_of_a_convolution(stride, padding, dilation, groups, size):
    torch.manual_seed(0)
    x = torch.randn(2, 4, *size, requires_grad=True)
    weight = torch.randn(6, 4 // groups, 3, 3)
    y = torch.conv2d(x, weight, None, stride, padding, dilation, groups)
    gradient = torch.randn_like(y)
    expected, = torch.autograd.grad(y, x, gradient)
    found, *_ = convolution_backward(
        gradient, x.detach(), weight, None, [stride] * 2, [padding] * 2, [dilation] * 2, False,
        [0, 0], groups, [True, False, False])
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize('kernel', [(2, 2), (2, 3)])
def test_gradient_of_a_pooling(kernel):
    x = torch.randn(2, 3, 7, 8, requires_grad=True)
    y = torch.nn.functional.avg_pool2d(x, kernel)
    gradient = torch.randn_like(y)
    expected, = torch.autograd.grad(y, x, gradient)
    found = avg_pool2d_backward(gradient, x.detach(), kernel, kernel, (0, 0), False, True, None)
    torch.testing.assert_close(found, expected)


def test_the_example_takes_the_frames_of_the_test_pipeline(tool_module):
    middle_frames = tool_module('deployment/run_onnx.py').middle_frames
    for num_frames in (1, 3, 8, 16):
        sampler = SampleFrames(clip_len=1, num_clips=num_frames, test_mode=True)
        for total in range(1, 60):
            expected = sampler.transform(dict(total_frames=total, start_index=0))['frame_inds']
            assert middle_frames(num_frames, total).tolist() == expected.tolist(), total


@pytest.mark.ci
def test_the_example_names_what_cannot_be_read(exported, tmp_path):
    (tmp_path / 'text.avi').write_text('no video')
    good = numbered.write(tmp_path / 'good.mp4', 'libx264', 10)
    result = alone(exported[0], tmp_path / 'text.avi', tmp_path / 'none.mp4', good)
    assert result.returncode == 1 and 'Traceback' not in result.stderr
    first, second, third, *_ = result.stdout.splitlines()
    assert first.startswith(f'{tmp_path}/text.avi: cannot be read') and 'none.mp4: cannot' in second
    assert 'good.mp4: ' in third and 'score' in third
    assert '2 of 3 clips cannot be read' in result.stderr


def test_the_example_sees_the_frames_that_are_shown(tool_module, tmp_path):
    """Of a trimmed clip that a phone turned."""
    read = tool_module('deployment/run_onnx.py').read_clip
    whole = numbered.write(tmp_path / 'whole.mp4', 'libx264', 32, bf='2', g='250')
    path = numbered.trim(whole, tmp_path / 'trimmed.mp4', 12, 20)
    path = numbered.turn(path, tmp_path / 'turned.mp4', 90)
    frames = read(str(path), 4, 128)[0].transpose(0, 2, 3, 1)
    clip = Video(str(path))
    for frame, number in zip(frames, (2, 7, 12, 17), strict=True):
        np.testing.assert_array_equal(frame, cv2.resize(clip[number], (128, 128)))
        assert numbered.number_of(np.rot90(clip[number])) == 12 + number


def test_the_example_begins_a_cut_stream_at_its_first_key_frame(tool_module, tmp_path):
    read = tool_module('deployment/run_onnx.py').read_clip
    whole = numbered.write(tmp_path / 'whole.webm', 'libvpx-vp9', g='12', cpu_used='8',
                           deadline='realtime')
    path = numbered.cut_packets(whole, tmp_path / 'cut.webm', 3)
    frames = read(str(path), 4, 128)[0].transpose(0, 2, 3, 1)  # 28 frames are left, from 12 on
    assert [numbered.number_of(cv2.resize(frame, (128, 96))) for frame in frames] == [
        12 + number for number in (3, 10, 17, 24)]


@pytest.mark.ci
def test_what_cannot_be_exported_is_refused(exported, vit_options, clip_files, tmp_path,
                                            monkeypatch):
    path, checkpoint, model, cfg, *_ = exported
    with pytest.raises(InputError, match='random.*cam'):
        check_model(leaf('hesp_afew_o34.py', clip_files['vit'], 32,
                         **{'model.visual_prompt.region': 'random'}))
    with pytest.raises(InputError, match='Linear cannot be exported'):
        check_model(torch.nn.Linear(1, 1))
    with monkeypatch.context() as patch, pytest.raises(
            InputError, match='GCPLHead cannot be written as ONNX: .*value'):
        # A score that asks a tensor for a value.
        patch.setattr(GCPLHead, 'score', lambda self, outputs: outputs['logits'][
            :, int(outputs['logits'][0].argmax())])
        to_onnx(leaf('gcpl_afew_o34.py', clip_files['vit'], 32), 32, 8)
    with pytest.raises(InputError, match='name its checkpoint'):
        load_trained(cfg)
    with pytest.raises(InputError, match='nowhere.mp4 does not exist'):
        differences(model, cfg, path, [tmp_path / 'nowhere.mp4'])
    with pytest.raises(InputError, match='does not fit the config'):
        export(CONFIG, str(checkpoint), str(tmp_path / 'x.onnx'),
               vit_options | {'model.neck.type': 'TemporalMean'})
    assert not (tmp_path / 'x.onnx').exists()


@pytest.mark.parametrize('change, message', [
    (lambda steps: steps.insert(2, dict(type='ThreeCrop', crop_size=32)), 'has ThreeCrop'),
    (lambda steps: steps[1].update(clip_len=2), 'clip_len=1'),
    (lambda steps: steps[3].update(keep_ratio=True), 'keep_ratio=False')])
def test_other_pipelines_are_refused(change, message):
    cfg = Config.fromfile(CONFIG)
    assert sampling_of(cfg) == dict(image_size=224, num_frames=8)
    change(cfg.test_dataloader.dataset.pipeline)
    with pytest.raises(InputError, match=message):
        sampling_of(cfg)


@pytest.mark.slow
def test_the_tool_on_a_model_without_training(clip_files, tiny_afew, tmp_path):
    clip = clip_files['vit']
    out = tmp_path / 'zeroshot.onnx'
    result = subprocess.run(
        [sys.executable, str(ROOT / 'tools/deployment/export_onnx.py'),
         str(ROOT / 'configs/clip_zeroshot_afew_o34.py'), str(out),
         '--check', *map(str, sorted(tiny_afew.rglob('*.avi'))[:3]),
         '--cfg-options', 'image_size=32', *(f'clip.{k}={v}' for k, v in clip.items())],
        text=True, capture_output=True)
    assert result.returncode == 0, result.stderr[-2000:]
    assert 'threshold None' in result.stdout and '3 clips' in result.stdout
    assert float(re.search(r'logits +(\S+)', result.stdout)[1]) < 1e-4
    assert alone(out, *tiny_afew.rglob('000.avi')).returncode == 0
