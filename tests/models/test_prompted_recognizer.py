import pytest
import tiny
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config

from hesp_mmaction.apis.configs import our_config
from hesp_mmaction.apis.export import has_region
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import OpenSetMetric
from hesp_mmaction.models.prompts.region import largest_window
from hesp_mmaction.models.recognizers.prompted_recognizer import last_stage, pool_grid

KNOWN = ['anger', 'fear', 'happiness']
RESNET18 = dict(type='mmaction.ResNet', depth=18, pretrained=None, norm_eval=False)
SLOWONLY = dict(type='mmaction.ResNet3dSlowOnly', depth=18, pretrained=None, lateral=False,
                conv1_kernel=(1, 7, 7), conv1_stride_t=1, pool1_stride_t=1, inflate=(0, 0, 1, 1),
                norm_eval=False)


def make(clips, form='vit', **changes):
    torch.manual_seed(0)
    size = tiny.SIZES[form]
    config = dict(
        type='HESPRecognizer', known=KNOWN,
        backbone=dict(type='CLIPImageTower', **clips[form]),
        visual_prompt=dict(type='VisualPrompt', image_size=size, size=size // 4),
        negatives=dict(type='NegativeVisuals', image_size=size),
        cls_head=dict(type='HESPHead', clip=clips[form]))
    return MODELS.build(config | changes)


def samples(count=3):
    return [ActionDataSample(metainfo=dict(sample_id=f'{i}.avi')).set_gt_label(i % 3)
            for i in range(count)]


def clip_batch(size, count=3):
    return torch.randint(0, 256, (count, 4, 3, size, size)).float()


def test_feature_is_the_mean_of_the_frames_normalised_as_clip_was(clips):
    model = make(clips).eval()
    x = clip_batch(32)
    with torch.no_grad():
        feats, _ = model.extract_feat(x, data_samples=samples())
        mean = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(3, 1, 1)
        std = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(3, 1, 1)
        frames = (x / 255 - mean) / std
        expected = torch.stack([model.backbone(video).mean(0) for video in frames])
    torch.testing.assert_close(feats, expected, atol=1e-5, rtol=1e-4)  # delta starts at zero


FITTED = {f'cls_head.{name}' for name in (
    'temperature', 'threshold', 'feature_length', 'joint.means', 'joint.precision',
    'joint.score_precision', 'joint.weights', 'joint.centres',
    'joint.spreads')}


@pytest.mark.parametrize('form', ['vit', 'resnet'])
def test_a_step_changes_prompts_and_negatives_and_nothing_of_clip(clips, form):
    model = make(clips, form).train()
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    losses = model(clip_batch(tiny.SIZES[form]), samples(), mode='loss')
    assert {'loss_known', 'loss_negative', 'loss_alignment', 'loss_fused',
            'loss_contrastive', 'loss_hold', 'acc'} == set(losses)
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1.0).step()
    changed = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    assert changed == {'cls_head.prompts.contexts', 'visual_prompt.delta', 'negatives.images'}
    assert set(model.state_dict()) == changed | FITTED


@pytest.mark.parametrize('form', ['vit', 'resnet'])
def test_negatives_go_through_a_frozen_tower_with_the_frames(clips, form, monkeypatch):
    model, x = make(clips, form).double().train(), clip_batch(tiny.SIZES[form]).double()
    passes, run = [], model.run_backbone
    monkeypatch.setattr(model, 'run_backbone', lambda x: passes.append(len(x)) or run(x))
    learned = [p for p in model.parameters() if p.requires_grad]

    def found():
        passes.clear()
        losses = model(x, samples(), mode='loss')
        loss = sum(value for key, value in losses.items() if 'loss' in key)
        return [losses['loss_negative'], loss, *torch.autograd.grad(loss, learned)]
    together = found()
    assert passes == [3 * 4 + len(KNOWN)]
    monkeypatch.setattr(model, '_one_pass', lambda: False)
    apart = found()
    assert passes == [3 * 4, len(KNOWN)]
    for ours, theirs in zip(together, apart, strict=True):
        assert theirs.abs().sum() > 0
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize('changes', [
    dict(backbone=RESNET18, cls_head=dict(type='ARPLHead', in_channels=512)),
    dict(grad_frames=2), dict(negatives=dict(type='NegativePoints')), dict(negatives=None),
    'trained'])
def test_negatives_go_alone_where_images_could_change_each_other(clips, changes):
    if changes == 'trained':
        changes = dict(backbone=dict(type='CLIPImageTower', frozen=False, **clips['vit']))
    elif 'backbone' in changes:
        changes = dict(changes, visual_prompt=None)
    model = make(clips, **changes).train()
    _, found = model.encode_clips(clip_batch(32), samples())
    assert 'points' not in found


def test_the_prompt_acts_where_the_activation_map_is(clips):
    model = make(clips).eval()
    x, data = clip_batch(32), samples()
    with torch.no_grad():
        model(x, data, mode='predict')
    maps = model.backbone.activation_map(model.normalise(x[:, 0] / 255),
                                         model.cls_head.template_text)
    expected = largest_window(maps, 32, 8).tolist()
    assert [list(s.region) for s in data] == [[*window, 8] for window in expected]


@pytest.mark.parametrize('key, value', [
    ('visual_prompt', dict(type='VisualPrompt', image_size=32, size=8, region='centre')),
    ('negatives', dict(type='NegativeVisuals', image_size=32)), ('grad_frames', 1)])
def test_the_base_names_the_recognizer_that_has_a_part(clips, key, value):
    base = dict(type='PromptedRecognizer', known=KNOWN, cls_head=dict(
        type='LinearHead', clip=clips['vit']), backbone=dict(type='CLIPImageTower', **clips['vit']))
    with pytest.raises(InputError, match=f"model.{key} means nothing .*'HESPRecognizer'"):
        MODELS.build(base | {key: value})
    MODELS.build(base | {key: None})


@pytest.mark.parametrize('name, options, expected', [
    ('hesp_synthetic_o34.py', {}, 'HESPRecognizer'),
    ('vp_afew_o34.py', {}, 'HESPRecognizer'),
    ('linear_probe_afew_o34.py', {'model.grad_frames': 2}, 'HESPRecognizer'),
    ('hesp_synthetic_o34.py', {'model.visual_prompt': None, 'model.negatives': None},
     'PromptedRecognizer'),
    ('linear_probe_afew_o34.py', {}, 'PromptedRecognizer')])
def test_configs_that_give_the_base_such_a_part_are_read_as_meant(name, options, expected):
    """Older configs, and those in the work dirs of older runs."""
    cfg = Config.fromfile(our_config(name))
    cfg.model.type = 'PromptedRecognizer'
    override(cfg, options)
    assert cfg.model.type == expected


def test_the_head_hands_its_texts_over_when_the_model_is_built_and_is_asked_no_more(clips):
    model, x = make(clips).eval(), clip_batch(32)[:, 0] / 255
    texts = model.cls_head.template_text.clone()
    assert torch.equal(model.region_text, texts)
    with torch.no_grad():
        before = model.activation_map(x)
        model.cls_head.template_text = torch.randn_like(texts)
        assert torch.equal(model.activation_map(x), before)
    assert torch.equal(model.double().region_text, texts.double())
    assert 'region_text' not in model.state_dict()
    centre = dict(type='VisualPrompt', image_size=32, size=8, region='centre')
    assert not hasattr(make(clips, visual_prompt=centre), 'region_text')


def test_the_window_comes_with_the_features_and_is_written_by_predict_alone(clips):
    for region, expected in (('centre', [[12, 12]] * 3), ((3, 5), [[3, 5]] * 3), ('border', None)):
        model = make(clips, visual_prompt=dict(type='VisualPrompt', image_size=32, size=8,
                                               region=region)).eval()
        x, data = clip_batch(32), samples()
        with torch.no_grad():
            features, found = model.encode_clips(x, data)
            _, arguments = model.extract_feat(x, data_samples=data)
        assert features.shape == (3, 4, model.backbone.out_channels)
        for each in (found, arguments):
            assert (each['region'].tolist() if 'region' in each else None) == expected
        assert all('region' not in sample for sample in data)


def test_videos_do_not_depend_on_their_batch(clips):
    model = make(clips).eval()
    model.visual_prompt.delta.data += 0.1
    x = clip_batch(32)
    with torch.no_grad():
        whole = model(x, samples(), mode='predict')
        alone = model(x[1:2], samples()[1:2], mode='predict')
    torch.testing.assert_close(whole[1].pred_score, alone[0].pred_score, atol=1e-5, rtol=1e-4)
    assert whole[1].region == alone[0].region


def test_negatives_are_encoded_once_per_evaluation(clips, monkeypatch):
    model, calls = make(clips).eval(), []
    encode = model.negatives.forward
    monkeypatch.setattr(model.negatives, 'forward', lambda e: calls.append(1) or encode(e))
    with torch.no_grad():
        for _ in range(2):
            model(clip_batch(32), samples(), mode='predict')
        assert len(calls) == 1
        model.negatives.images += 1
        model(clip_batch(32), samples(), mode='predict')
        assert len(calls) == 2


@pytest.mark.parametrize('backbone, changes', [
    (RESNET18, {}),
    (SLOWONLY, dict(clip_input=True, negatives=dict(type='NegativePoints', dim=512)))])
def test_other_backbones_of_mmaction(clips, backbone, changes):
    model = make(clips, backbone=backbone, cls_head=dict(
        type='HESPHead', clip=clips['vit'], in_channels=512), visual_prompt=dict(
            type='VisualPrompt', image_size=32, size=8, region='centre'), **changes).train()
    losses = model(clip_batch(32), samples(), mode='loss')
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    missing = [n for n, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert not missing
    assert model.backbone.conv1.conv.weight.grad.abs().sum() > 0
    features, _ = model.extract_feat(clip_batch(32), stage='backbone', data_samples=samples())
    assert features.shape == (3, 4, 512)


def test_names_in_any_spelling(clips):
    model = make(clips, known=['Angry', 'happy', 'sad'])
    assert model.known == model.cls_head.known == ('anger', 'happiness', 'sadness')


@pytest.mark.parametrize('fusion', ['prob', 'logit'])
def test_the_order_of_the_known_names_changes_no_figure(clips, fusion):
    """The same model with names, contexts and negatives in another order, to the metrics."""
    order = [2, 0, 1]
    names = [*KNOWN, 'sadness', 'surprise']
    torch.manual_seed(2)
    x = 255 * torch.rand(15, 2, 3, 4, 4).double().repeat_interleave(8, 3).repeat_interleave(8, 4)

    def figures(model):
        metric = OpenSetMetric()
        metric.dataset_meta = dict(classes=model.known)
        data = [ActionDataSample(metainfo=dict(sample_id=f'{i:02}', emotion=names[i % 5]))
                for i in range(15)]
        for sample in data:
            known = sample.emotion in model.known
            sample.set_gt_label(model.known.index(sample.emotion) if known else -1)
        with torch.no_grad():
            found = model.double().eval()(x, data, mode='predict')
        metric.process(None, [sample.to_dict() for sample in found])
        return metric.evaluate(15), [model.known[int(sample.pred_label)] for sample in found]

    head = dict(type='HESPHead', clip=clips['vit'], fusion=fusion, negative_scale=100.0)
    model = make(clips, cls_head=head)
    model.visual_prompt.delta.data += 0.3 * torch.rand(1, 3, 8, 8)
    model.negatives.images.data = model.normalise(x[:3, 0] / 255)  # so that predictions differ
    other = make(clips, cls_head=head, known=[KNOWN[i] for i in order])
    other.load_state_dict(model.state_dict())
    wrong, _ = figures(other)
    other.cls_head.prompts.contexts.data = model.cls_head.prompts.contexts.data[order]
    other.negatives.images.data = model.negatives.images.data[order]
    (expected, predicted), (found, predicted_too) = figures(model), figures(other)
    assert found == expected != wrong and predicted_too == predicted
    assert {f'{kind}_{name}' for kind in ('AUROC', 'OSCR')
            for name in ('prob', 'logit', 'centred')} < set(found)
    assert len(set(predicted)) > 1 and 0 < found['OSCR'] < found['ACC'] < 100


def test_cam_needs_a_backbone_that_has_one(clips):
    with pytest.raises(InputError, match='centre'):
        make(clips, backbone=RESNET18)


@pytest.mark.parametrize('region', ['cam', 'dataset'])
@pytest.mark.parametrize('head', ['FixedTextHead', 'CoOpHead', 'LinearHead'])
def test_cam_needs_a_head_with_texts_of_the_region(clips, head, region):
    prompt = dict(type='VisualPrompt', image_size=32, size=8)
    said = f"{head} has no texts .* set model.visual_prompt.region to 'centre'"
    with pytest.raises(InputError, match=said):
        make(clips, cls_head=dict(type=head, clip=clips['vit']),
             visual_prompt=dict(prompt, region=region))
    make(clips, cls_head=dict(type=head, clip=clips['vit']),
         visual_prompt=dict(prompt, region='centre'))


def test_a_border_is_not_told_as_a_window(clips):
    for region, told in (('border', None), ('centre', (12, 12, 8))):
        model = make(clips, visual_prompt=dict(type='VisualPrompt', image_size=32, size=8,
                                               region=region)).double().eval()
        sample = ActionDataSample(metainfo=dict(sample_id='a'))
        with torch.no_grad():
            model(torch.rand(1, 2, 3, 32, 32).double(), [sample], mode='predict')
        assert sample.get('region') == told
        assert has_region(model) == (told is not None)


@pytest.mark.ci
def test_a_checkpoint_at_vit_b32_size_is_small(tmp_path):
    clip = dict(arch='ViT-B-32')
    model = MODELS.build(dict(
        type='HESPRecognizer', known=KNOWN, backbone=dict(type='CLIPImageTower', **clip),
        visual_prompt=dict(type='VisualPrompt', image_size=224, size=56),
        negatives=dict(type='NegativeVisuals', image_size=224),
        cls_head=dict(type='HESPHead', clip=clip)))
    trained = [p for p in model.parameters() if p.requires_grad]
    for parameter in trained:
        parameter.grad = torch.ones_like(parameter)
    optimizer = torch.optim.SGD(trained, lr=0.1, momentum=0.9)
    optimizer.step()
    torch.save(dict(state_dict=model.state_dict(), optimizer=optimizer.state_dict()),
               tmp_path / 'epoch.pth')
    assert set(model.state_dict()) == FITTED | {
        'cls_head.prompts.contexts', 'visual_prompt.delta', 'negatives.images'}
    assert (tmp_path / 'epoch.pth').stat().st_size < 6.1e6


@pytest.mark.parametrize('form', ['vit', 'resnet'])
def test_prompt_and_negatives_are_as_large_as_the_frames_of_the_backbone(clips, form):
    size = tiny.SIZES[form]
    model = make(clips, form, visual_prompt=dict(type='VisualPrompt', size=8),
                 negatives=dict(type='NegativeVisuals'))
    assert model.visual_prompt.image_size == size
    assert model.negatives.images.shape == (len(KNOWN), 3, size, size)


@pytest.mark.parametrize('part', ['visual_prompt', 'negatives'])
def test_a_backbone_that_says_no_size_needs_one_in_the_config(clips, part):
    own = dict(visual_prompt=dict(type='VisualPrompt', image_size=32, size=8, region='centre'),
               negatives=dict(type='NegativeVisuals', image_size=32))
    del own[part]['image_size']
    with pytest.raises(InputError, match=f'ResNet .* set model.{part}.image_size'):
        make(clips, backbone=RESNET18, cls_head=dict(type='HESPHead', clip=clips['vit'],
                                                   in_channels=512), **own)


class MapNeck(torch.nn.Module):
    """Takes maps (B, T, C, h, w); has a loss of its own."""

    def forward(self, x, data_samples=None):
        self.seen = x
        return x.mean((1, 3, 4)), dict(loss_map=x.square().mean())


@pytest.mark.parametrize('backbone, clip_input', [(RESNET18, False), (SLOWONLY, True)])
def test_a_neck_may_take_maps_and_add_a_loss(backbone, clip_input):
    torch.manual_seed(0)
    model = MODELS.build(dict(
        type='HESPRecognizer', known=KNOWN, backbone=backbone, clip_input=clip_input,
        pool=False, cls_head=dict(type='ARPLHead', in_channels=512)))
    model.neck = MapNeck()
    losses = model(clip_batch(64), samples(), mode='loss')
    assert model.neck.seen.shape == (3, 4, 512, 2, 2)
    assert losses['loss_map'].requires_grad and 'loss_known' in losses
    model.eval()
    assert len(model(clip_batch(64), samples(), mode='predict')) == 3


@pytest.mark.parametrize('kind, backbone, shape', [
    ('Recognizer2D', RESNET18, (3, 4, 3, 64, 64)),
    ('Recognizer3D', SLOWONLY, (3, 2, 3, 4, 64, 64))])
def test_heads_go_on_the_recognizers_of_mmaction(kind, backbone, shape):
    """The feature is the mean of all frames, or clips, of a video."""
    torch.manual_seed(0)
    model = MODELS.build(dict(
        type=kind, backbone=backbone,
        cls_head=dict(type='ARPLHead', known=KNOWN, in_channels=512),
        data_preprocessor=dict(type='mmaction.ActionDataPreprocessor'))).eval()
    inputs = torch.randn(shape)
    with torch.no_grad():
        found = model(inputs, samples(), mode='predict')
        each = [model.backbone(video).flatten(2).mean((0, 2)) for video in inputs]
        expected = model.cls_head(torch.stack(each))['logits']
    torch.testing.assert_close(torch.stack([s.logits for s in found]), expected)
    losses = model(inputs, samples(), mode='loss')
    assert {'loss_known', 'loss_margin', 'acc'} == set(losses)


def test_a_batch_becomes_one_tensor():
    """uint8 of a loader and features alike; the samples stay those of the loader."""
    clips, given = [torch.full((2, 3, 4, 4), i, dtype=torch.uint8) for i in range(3)], samples()
    found = MODELS.build(dict(type='ClipPreprocessor'))(dict(inputs=clips, data_samples=given))
    assert found['inputs'].dtype == torch.float32 and found['data_samples'] is given
    assert torch.equal(found['inputs'], torch.stack(clips).float())
    meta = MODELS.build(dict(type='ClipPreprocessor')).to('meta')
    assert meta(dict(inputs=clips, data_samples=given))['inputs'].device.type == 'meta'


def test_pool_grid():
    x = torch.rand(2, 5, 3, 4, 4)
    assert torch.equal(pool_grid(last_stage(x)), x.mean((3, 4)).transpose(1, 2))
    assert torch.equal(pool_grid(last_stage((None, x[:, :, 0]))), x[:, :, 0].mean((2, 3)))
    assert pool_grid(x[:, :, 0, 0, 0]).shape == (2, 5)


@pytest.mark.parametrize('k', [1, 2, 4])
def test_gradient_through_some_frames_is_right_on_average(clips, k, monkeypatch):
    """Losses are those of all frames; the mean over all draws is the whole gradient."""
    x = clip_batch(32)

    def gradients(model):
        model.zero_grad()
        losses = model.double()(x.double(), samples(), mode='loss')
        sum(v for key, v in losses.items() if 'loss' in key).backward()
        return ({key: v.item() for key, v in losses.items()},
                {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None})

    losses, whole = gradients(make(clips).train())
    draws = [torch.arange(4).roll(i) for i in range(4)]
    found = []
    for order in draws:
        monkeypatch.setattr(torch, 'randperm', lambda n, order=order: order)
        some, gradient = gradients(make(clips, grad_frames=k).train())
        assert some == pytest.approx(losses)
        found.append(gradient)
    if k < 4:
        assert not torch.allclose(found[0]['visual_prompt.delta'], whole['visual_prompt.delta'])
    for name, expected in whole.items():
        torch.testing.assert_close(sum(g[name] for g in found) / 4, expected, atol=1e-12,
                                   rtol=1e-6)


def test_some_frames_need_a_backbone_of_frames(clips):
    with pytest.raises(InputError, match='grad_frames=2'):
        make(clips, grad_frames=2, clip_input=True)
