"""Mixed precision changes the time alone: types, windows, logits, gradients, checkpoints."""
import copy
from functools import partial
from pathlib import Path

import numpy as np
import open_clip
import pytest
import tiny
import torch
from leaves import Looks
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.registry import init_default_scope

from hesp_mmaction.apis import HESPInferencer
from hesp_mmaction.apis.configs import load_config
from hesp_mmaction.apis.running import parser, read_config, run
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.compat.mends import load_from_local
from hesp_mmaction.datasets.synthetic.clips import make_clip
from hesp_mmaction.datasets.synthetic.gallery import LABEL, contact_sheet
from hesp_mmaction.engine.hooks.common import set_precision
from hesp_mmaction.models.backbones import CLIPImageTower, VPTTower
from hesp_mmaction.models.clip import load_clip
from hesp_mmaction.models.precision import compute_type, in_float32
from hesp_mmaction.models.prompts.text import CLIPTextTower

ROOT = Path(__file__).parents[2]
KNOWN = ['anger', 'fear', 'happiness']
HALF = partial(torch.autocast, 'cpu', dtype=torch.bfloat16)


def build(clips, form='vit', **changes):
    torch.manual_seed(0)
    size = tiny.SIZES[form]
    return MODELS.build(dict(
        type='HESPRecognizer', known=KNOWN,
        backbone=dict(type='CLIPImageTower', **clips[form]),
        visual_prompt=dict(type='VisualPrompt', image_size=size, size=size // 4),
        negatives=dict(type='NegativeVisuals', image_size=size),
        cls_head=dict(type='HESPHead', clip=clips[form])) | changes)


def samples(count=6):
    return [ActionDataSample(metainfo=dict(sample_id=f'{i}.avi')).set_gt_label(i % 3)
            for i in range(count)]


def batch(size=32, count=6):
    return torch.randint(0, 256, (count, 4, 3, size, size),
                         generator=torch.Generator().manual_seed(1)).float()


def drawn_model():
    """The HESP of the quick start, with the CLIP of this package."""
    init_default_scope('mmaction')
    cfg = load_config('configs/hesp_synthetic_o34.py')
    override(cfg)
    cfg.model.neck = dict(type='TemporalMean')
    torch.manual_seed(0)
    return MODELS.build(cfg.model).eval()


def drawn_clips(columns):
    """Clips (N, 1, 3, 96, 96) of drawn faces, eleven for each column."""
    sheet = contact_sheet(seed=3, columns=columns)[:11 * 96, LABEL:]
    faces = sheet.reshape(11, 96, columns, 96, 3).transpose(0, 2, 4, 1, 3).reshape(-1, 1, 3, 96, 96)
    return torch.from_numpy(faces.astype(np.float32))


@pytest.mark.parametrize('columns', [3, pytest.param(19, marks=pytest.mark.slow)])
def test_windows_do_not_depend_on_mixed_precision(columns):
    model, clips = drawn_model(), drawn_clips(columns)

    def windows(mode=None):
        found = samples(len(clips))
        with torch.no_grad():
            model(clips, found, mode='predict')
        return [sample.region for sample in found]
    exact = windows()
    assert len(set(exact)) > 10  # that they agree is no chance
    with HALF():
        assert windows() == exact
    set_precision(model, amp=True)
    assert windows() == exact
    model.train()  # and those of a training step are the same
    with HALF():
        trained = model.locate(clips / 255, samples(len(clips)))
    assert trained.tolist() == [list(window[:2]) for window in exact]


@pytest.mark.parametrize('head', [
    dict(type='HESPHead'), dict(type='ARPLHead'), dict(type='CoOpHead'), dict(type='DIASHead')])
@pytest.mark.parametrize('neck', ['TemporalMean', 'AttentionPooling'])
def test_necks_heads_and_losses_are_float32_under_autocast(clips, head, neck):
    neck = dict(type=neck, **({} if neck == 'TemporalMean' else dict(clip=clips['vit'])))
    negatives = dict(type='NegativePoints') if head['type'] == 'HESPHead' else None
    model = build(clips, cls_head=dict(head, clip=clips['vit']), neck=neck, negatives=negatives,
                  visual_prompt=None)
    feats = 10 * torch.randn(6, 4, 12)  # in the place of clips

    def outcome():
        torch.manual_seed(2)
        with torch.no_grad():
            found = model.eval()(feats, samples(), mode='predict')
        losses = model.train()(feats, samples(), mode='loss')
        return (torch.stack([sample.logits for sample in found]),
                {key: float(value.detach()) for key, value in losses.items()})
    logits, losses = outcome()
    with HALF():
        half_logits, half_losses = outcome()
    assert half_logits.dtype == torch.float32
    torch.testing.assert_close(half_logits, logits, rtol=1e-6, atol=1e-6)
    assert half_losses == pytest.approx(losses, rel=1e-6)


def test_logits_under_autocast_are_cosines_in_float64(clips):
    model = build(clips, visual_prompt=None, negatives=None,
                  cls_head=dict(type='CLIPZeroShotHead', clip=clips['vit'])).eval()
    feats = 10 * torch.randn(6, 4, 12)
    with torch.no_grad(), HALF():
        found = model(feats, samples(), mode='predict')
    text, mean = model.cls_head.class_text.double().numpy(), feats.double().numpy().mean(1)
    cosines = (mean / np.linalg.norm(mean, axis=1, keepdims=True)) @ (
        text / np.linalg.norm(text, axis=1, keepdims=True)).T
    np.testing.assert_allclose(np.stack([sample.logits for sample in found]),
                               model.cls_head.text.logit_scale * cosines, atol=1e-5)


def test_frozen_weights_are_half_and_learned_ones_float32(clips):
    plain, model = build(clips), build(clips)
    set_precision(model, amp=True)
    losses = model.train()(batch(), samples(), mode='loss')
    sum(value for key, value in losses.items() if 'loss' in key).backward()
    assert {value.dtype for value in losses.values()} == {torch.float32}
    learned = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert set(learned) == {'visual_prompt.delta', 'negatives.images', 'cls_head.prompts.contexts'}
    assert {p.dtype for p in learned.values()} == {torch.float32}
    assert all(p.grad.dtype == torch.float32 and p.grad.norm() > 0 for p in learned.values())
    for tower in (model.backbone, model.cls_head.text):
        used = tower._run.__self__  # what a call runs
        assert {p.dtype for p in used.parameters()} == {torch.bfloat16}
        first = tower._run
        tower(*([torch.zeros(1, 3, 32, 32)] if tower is model.backbone
                else [torch.zeros(1, 4, 16), torch.tensor([3])]))
        assert tower._run is first  # made once
    kept = {name: (p.dtype, p.shape) for name, p in model.named_parameters()}
    assert kept == {name: (p.dtype, p.shape) for name, p in plain.named_parameters()}
    assert {key: value.dtype for key, value in model.state_dict().items()} == {
        key: value.dtype for key, value in plain.state_dict().items()}


def open_clip_half(clip):
    """open_clip's own half precision of a CLIP: float32 norms that cast."""
    half = copy.deepcopy(clip)
    open_clip.model.convert_weights_to_lp(half, torch.bfloat16)
    for part in list(half.modules()):
        for name, child in part.named_children():
            if type(child) is open_clip.transformer.LayerNorm:
                setattr(part, name, open_clip.transformer.LayerNormFp32(child.normalized_shape))
                getattr(part, name).load_state_dict(child.state_dict())
    return half


@pytest.mark.parametrize('form', ['vit', 'resnet'])
def test_half_towers_are_as_near_as_open_clips_own(clips, form):
    """Against float64, on 64 images, features and the gradient to the pixels."""
    torch.manual_seed(0)
    ours, clip = CLIPImageTower(**clips[form]), load_clip(**clips[form])
    ours.compute_dtype = torch.bfloat16
    size = tiny.SIZES[form]
    x, weight = torch.randn(64, 3, size, size), torch.randn(clip.visual.output_dim)

    def passed(tower, dtype):
        images = x.clone().requires_grad_()
        features = tower(images.to(dtype))
        features.double().matmul(weight.double()).sum().backward()
        return features.detach().double(), images.grad.double()
    exact, exact_gradient = passed(copy.deepcopy(clip.visual).double(), torch.float64)
    own, own_gradient = passed(open_clip_half(clip).visual, torch.bfloat16)
    features, gradient = passed(ours, torch.float32)
    assert ours(x).dtype == torch.float32 and gradient.dtype == torch.float64
    for found, theirs, truth in ((features, own, exact),
                                 (gradient, own_gradient, exact_gradient)):
        error, usual = (found - truth).norm() / truth.norm(), (theirs - truth).norm() / truth.norm()
        assert 1e-4 < error < 1.3 * usual
    # Right on average: the gradient of all images and pixels has the exact one's length along it.
    along = (gradient * exact_gradient).sum() / exact_gradient.square().sum()
    assert abs(along - 1) < 0.03


def test_the_half_text_tower_is_near_float64(clips):
    torch.manual_seed(0)
    tower, clip = CLIPTextTower(**clips['vit']), load_clip(**clips['vit']).double()
    tower.compute_dtype = torch.bfloat16
    sentences = [f'a photo of {name}' for name in KNOWN]
    with torch.no_grad():
        exact = clip.encode_text(open_clip.tokenize(sentences, context_length=40))
        found = tower.encode_text(sentences)
    assert found.dtype == torch.float32
    assert 1e-4 < (found - exact).norm() / exact.norm() < 0.02


def test_learned_tokens_inside_a_half_tower_stay_float32(clips):
    torch.manual_seed(0)
    tower = VPTTower(**clips['vit'], num_tokens=3)
    exact = tower(torch.ones(2, 3, 32, 32))
    tower.compute_dtype = torch.bfloat16
    found = tower(torch.ones(2, 3, 32, 32))
    torch.testing.assert_close(found, exact, rtol=0.05, atol=0.05)
    found.sum().backward()
    assert tower.tokens.grad.dtype == torch.float32 and tower.tokens.grad.norm() > 0
    tower.tokens.data += torch.randn_like(tower.tokens)
    assert (tower(torch.ones(2, 3, 32, 32)) - found).abs().max() > 0.02  # no copy of the tokens


def test_a_half_tower_follows_its_weights(clips):
    tower, x = CLIPImageTower(**clips['vit']), torch.ones(2, 3, 32, 32)
    tower.compute_dtype = torch.bfloat16
    before = tower(x)
    weights = {f'visual.{key}': 1.5 * value for key, value in tower.visual.state_dict().items()}
    tower.load_state_dict(weights)
    assert (tower(x) - before).abs().max() > 0.1
    assert tower.double()(x.double()).dtype == torch.float32
    assert tower.to('meta')(x.to('meta')).device.type == 'meta'  # and moves with them


def test_a_tower_follows_its_settings(clips):
    tower, x = CLIPImageTower(**clips['vit']), torch.ones(2, 3, 32, 32)
    exact = tower(x)
    tower.compute_dtype = torch.bfloat16
    rounded = tower(x)
    tower.compute_dtype = torch.float16
    assert not torch.equal(tower(x), rounded)
    tower.compute_dtype = None
    assert torch.equal(tower(x), exact) and not torch.equal(exact, rounded)


@pytest.mark.parametrize('backbone', [
    dict(type='mmaction.ResNet', depth=18, pretrained=None, norm_eval=False),
    dict(type='CLIPImageTower', frozen=False)])
def test_a_trained_backbone_is_under_autocast_and_gives_float32(clips, backbone):
    if backbone['type'] == 'CLIPImageTower':
        backbone = dict(backbone, **clips['vit'])
    model = build(clips, backbone=backbone, visual_prompt=None, negatives=None, cls_head=dict(
        type='LinearHead', in_channels=12 if 'arch' in backbone else 512))
    types = []
    layer = next(m for m in model.backbone.modules() if isinstance(m, torch.nn.Conv2d))
    layer.register_forward_hook(lambda module, inputs, output: types.append(output.dtype))
    set_precision(model, amp=True)
    set_precision(model, amp=True)  # twice is once
    feats, _ = model.train().extract_feat(batch(), data_samples=samples())
    assert set(types) == {torch.bfloat16} and feats.dtype == torch.float32
    feats.sum().backward()
    assert {p.grad.dtype for p in model.parameters() if p.grad is not None} == {torch.float32}
    with pytest.raises(RuntimeError):
        model.backbone(torch.zeros(1, 5, 32, 32))
    assert not torch.is_autocast_enabled('cpu')  # left after an error, too


@pytest.mark.parametrize('region', ['cam', 'centre', 'random', 'border', 'dataset', (3, 5)])
def test_nothing_looks_at_the_device_before_the_loss(clips, region):
    prompt = dict(type='VisualPrompt', image_size=32, size=8, region=region)
    model = build(clips, visual_prompt=prompt).train()
    set_precision(model, amp=True)
    if region == 'dataset':
        model.visual_prompt.window.fill_(3)
    x, data = batch(), samples()
    model(x, data, mode='loss')
    with Looks() as looks:
        losses = model(x, data, mode='loss')
    assert not looks.found and losses['loss_known'] > 0
    assert all('region' not in sample for sample in data)  # nobody reads it in training
    with torch.no_grad(), Looks() as looks:
        model.eval()(x, data, mode='predict')
    assert looks.found  # what is counted does occur


@pytest.mark.ci
def test_every_model_of_a_process_is_compiled(clips, monkeypatch):
    """PyTorch keeps eight programs of a function; a second model must not go without."""
    programs = []

    def backend(graph, _):
        programs.append(graph)
        return graph.forward
    monkeypatch.setattr(torch, 'compile', partial(torch.compile, backend=backend))
    for number in (1, 2):
        tower = CLIPImageTower(**clips['vit'])
        tower.compiled = True
        for count in range(1, 6):
            tower(torch.rand(count, 3, 32, 32))
        assert len(programs) == 5 * number


@pytest.mark.ci
def test_compiled_towers_take_any_batch_and_fall_back_with_a_word(clips, monkeypatch, caplog):
    import torch._dynamo
    model, plain = build(clips).eval(), build(clips).eval()
    with monkeypatch.context() as patch:
        patch.setattr(torch, 'compile', partial(torch.compile, backend='eager'))
        assert 'image tower compiled' in set_precision(model, compile=True)
        for count in (6, 6, 1, 5):
            with torch.no_grad():
                found, expected = (m(batch(count=count), samples(count), mode='predict')
                                   for m in (model, plain))
            for ours, theirs in zip(found, expected, strict=True):
                torch.testing.assert_close(ours.logits, theirs.logits)
        losses = model.train()(batch(count=2), samples(2), mode='loss')
        losses['loss_known'].backward()
        assert model.visual_prompt.delta.grad.norm() > 0

    def fails(function, dynamic):
        def call(*inputs):
            raise torch._dynamo.exc.Unsupported('no compiler here')
        return call
    model = build(clips).eval()
    monkeypatch.setattr(torch, 'compile', fails)
    said = []
    monkeypatch.setattr('hesp_mmaction.models.precision.print_log',
                        lambda text, *_: said.append(text))
    set_precision(model, compile=True)
    x = torch.ones(2, 3, 32, 32)
    for _ in range(2):
        torch.testing.assert_close(model.backbone(x), plain.backbone(x))
    assert len(said) == 1 and 'no compiler here' in said[0]


def train(folder, data, *flags, epochs=2, resume=False):
    args = parser('').parse_args([str(ROOT / 'configs/hesp_synthetic_o34.py'), '--work-dir',
                                  str(folder), '--deterministic', *flags])
    args.cfg_options = {'data_root': str(data), 'train_cfg.max_epochs': epochs,
                        'train_dataloader.batch_size': 4}
    cfg = read_config(args)
    cfg.resume = resume
    runner = run(cfg, lambda runner: runner.train() and runner)
    assert runner is not None
    return load_from_local(str(Path(folder) / f'epoch_{epochs}.pth'), 'cpu')


FITTED = 'cls_head.joint.', 'cls_head.temperature', 'cls_head.threshold'


@pytest.mark.ci
def test_a_run_with_amp_resumes_and_its_checkpoint_is_that_of_float32(tiny_afew, tmp_path):
    plain = train(tmp_path / 'plain', tiny_afew)
    whole = train(tmp_path / 'amp', tiny_afew, '--amp')
    train(tmp_path / 'parts', tiny_afew, '--amp', epochs=1)
    parts = train(tmp_path / 'parts', tiny_afew, '--amp', resume=True)

    def kinds(checkpoint):
        return {key: (value.dtype, value.shape) for key, value in checkpoint['state_dict'].items()}
    assert kinds(whole) == kinds(parts) == kinds(plain)
    assert set(whole) == set(plain) and set(whole['optimizer']) == set(plain['optimizer'])
    for key, value in whole['state_dict'].items():
        assert torch.equal(value, parts['state_dict'][key]), key
        if not key.startswith(FITTED):  # on six clips, it is anywhere
            torch.testing.assert_close(value, plain['state_dict'][key], rtol=0.1, atol=0.1)
    moved = 'cls_head.prompts.contexts'
    assert not torch.equal(whole['state_dict'][moved], plain['state_dict'][moved])  # it was half


def test_the_inferencer_in_mixed_precision_says_nearly_the_same():
    clip = np.stack(make_clip('happiness', 320000003, 1))
    (exact,), (half,) = (HESPInferencer(device='cpu', amp=amp)(clip)['predictions']
                         for amp in (False, True))
    assert half['region'] == exact['region'] and half['emotion'] == exact['emotion']
    assert half['score'] != exact['score']
    assert half['score'] == pytest.approx(exact['score'], abs=0.1)


def test_the_type_of_mixed_precision(monkeypatch):
    assert compute_type('cpu') == torch.bfloat16
    for supported, dtype in ((True, torch.bfloat16), (False, torch.float16)):
        monkeypatch.setattr(torch.cuda, 'is_bf16_supported', lambda *_, s=supported: s)
        assert compute_type('cuda') == dtype
    with HALF(), in_float32(torch.ones(1)):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


# ------------------------------------------------------------------------------------ with a GPU
@pytest.fixture
def card():
    """The GPU; afterwards TF32 is as it was."""
    if not torch.cuda.is_available():
        pytest.skip('there is no GPU')
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    yield torch.device('cuda')
    torch.set_float32_matmul_precision(before[0])
    torch.backends.cudnn.allow_tf32 = before[1]


def on(device, model, clips, **precision):
    """A copy of a model and clips on a device, with data samples, which stay on the CPU."""
    model = copy.deepcopy(model).to(device)
    set_precision(model, **precision)
    return model, clips.to(device), samples(len(clips))


def five_steps(model, clips, data):
    """Losses (5,) of five steps, and what they made of the learned parameters."""
    learned = {name: p for name, p in model.train().named_parameters() if p.requires_grad}
    optimizer, losses = torch.optim.SGD(learned.values(), lr=1e-3), []
    for _ in range(5):
        found = model(clips, data, mode='loss')
        losses.append(sum(value for key, value in found.items() if 'loss' in key))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    return torch.stack(losses).detach().cpu(), {name: p.detach().cpu()
                                                for name, p in learned.items()}


def seen(model, clips, data):
    """Features and windows of clips."""
    with torch.no_grad():
        found = model.eval()(clips, data, mode='predict')
    return (torch.stack([sample.pred_feature for sample in found]),
            [sample.region for sample in found])


@pytest.mark.gpu
def test_cpu_and_gpu_agree(card):
    model, clips = drawn_model(), drawn_clips(3).expand(-1, 2, -1, -1, -1)
    here, there = on('cpu', model, clips), on(card, model, clips, tf32=False)
    (features, windows), (theirs, their_windows) = seen(*here), seen(*there)
    torch.testing.assert_close(theirs, features, rtol=1e-3, atol=1e-2)
    assert their_windows == windows
    (losses, learned), (their_losses, their_learned) = five_steps(*here), five_steps(*there)
    torch.testing.assert_close(their_losses, losses, rtol=1e-4, atol=1e-4)
    for name, value in learned.items():
        torch.testing.assert_close(their_learned[name], value, rtol=1e-3, atol=1e-4, msg=name)


@pytest.mark.gpu
@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_mixed_precision_on_a_gpu(card, monkeypatch, dtype):
    monkeypatch.setattr('hesp_mmaction.engine.hooks.common.compute_type', lambda _: dtype)
    model, clips = drawn_model(), drawn_clips(3).expand(-1, 2, -1, -1, -1)
    exact, half = on(card, model, clips), on(card, model, clips, amp=True)
    (features, windows), (theirs, their_windows) = seen(*exact), seen(*half)
    assert their_windows == windows and theirs.device.type == 'cpu'
    assert 1e-4 < (theirs - features).norm() / features.norm() < 0.03
    losses, learned = five_steps(*exact)
    their_losses, their_learned = five_steps(*half)
    torch.testing.assert_close(their_losses, losses, rtol=0.02, atol=0.02)
    assert all(value.dtype == torch.float32 and value.isfinite().all()
               for value in their_learned.values())


@pytest.mark.gpu
@pytest.mark.parametrize('region', ['cam', 'centre', 'random', 'border', 'dataset', (3, 5)])
def test_a_gpu_is_not_waited_for_before_the_loss(card, clips, region):
    prompt = dict(type='VisualPrompt', image_size=32, size=8, region=region)
    model, x, data = on(card, build(clips, visual_prompt=prompt), batch(), amp=True)
    if region == 'dataset':
        model.visual_prompt.window.fill_(3)
    model.train()(x, data, mode='loss')
    torch.cuda.set_sync_debug_mode('error')
    try:
        losses = model(x, data, mode='loss')
        sum(value for key, value in losses.items() if 'loss' in key).backward()
    finally:
        torch.cuda.set_sync_debug_mode('default')
    assert losses['loss_known'].isfinite()


@pytest.mark.gpu
def test_tf32_is_on_and_can_be_switched_off(card, clips):
    model = build(clips).to(card)
    assert 'as TF32' in set_precision(model)
    assert torch.get_float32_matmul_precision() == 'high'
    x = torch.randn(256, 256, device=card)
    exact = (x.double() @ x.double()).float()
    rough = (x @ x - exact).abs().max()
    assert 'in full' in set_precision(model, tf32=False)
    assert (x @ x - exact).abs().max() < rough / 10


@pytest.mark.gpu
@pytest.mark.parametrize('amp', [True, False])
def test_a_replayed_evaluation_on_a_gpu(card, clips, amp, monkeypatch):
    monkeypatch.setattr('hesp_mmaction.models.frozen.compiled', lambda function: function)
    plain = on(card, build(clips), batch(), amp=amp)
    fast = on(card, build(clips), batch(), amp=amp, compile=True)
    for turn in range(4):  # called, recorded, replayed; the visual prompt changes in between
        for count in (6, 5):
            shift = torch.randn(1, device=card)
            (features, windows), (theirs, their_windows) = (
                seen(m, x[:count] + shift, data[:count]) for m, x, data in (plain, fast))
            torch.testing.assert_close(theirs, features, rtol=1e-3, atol=1e-3)
            assert their_windows == windows
        for model, *_ in (plain, fast):
            torch.nn.init.constant_(model.visual_prompt.delta, 0.1 * turn)
    tower = fast[0].backbone
    assert len(tower._replayed) == 2  # features, and the map
    for replayed in tower._replayed.values():  # negatives are encoded once, so not recorded
        assert not replayed.failed and sum(map(bool, replayed.recordings.values())) == 2
    losses, their_losses = five_steps(*plain)[0], five_steps(*fast)[0]
    torch.testing.assert_close(their_losses, losses, rtol=2e-2 if amp else 1e-4, atol=2e-2)
    copy.deepcopy(fast[0])  # averaged weights


@pytest.mark.gpu
def test_a_dense_tower_is_replayed_on_a_gpu(card, clips, monkeypatch):
    monkeypatch.setattr('hesp_mmaction.models.frozen.compiled', lambda function: function)
    tower = CLIPImageTower(dense=True, **clips['vit']).to(card)
    for turn in range(4):
        x = torch.rand(3, 3, 32, 32, device=card) + turn
        tower.compiled = False
        with torch.no_grad():
            expected = tower(x)
            tower.compiled = True
            found = tower(x)
        for ours, theirs in zip(found, expected, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


@pytest.mark.gpu
@pytest.mark.slow
def test_a_compiled_tower_on_a_gpu(card, clips):
    plain = on(card, build(clips), batch(), amp=True)
    fast = on(card, build(clips), batch(), amp=True, compile=True)
    for count in (6, 5):
        (features, _), (theirs, _) = (seen(m, x[:count], data[:count]) for m, x, data in (
            plain, fast))
        torch.testing.assert_close(theirs, features, rtol=0.05, atol=0.05)
    torch.testing.assert_close(five_steps(*fast)[0], five_steps(*plain)[0], rtol=0.02, atol=0.02)
