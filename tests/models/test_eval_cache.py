"""What is remembered in an evaluation is of the weights that are there."""
import copy

import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.hooks import EMAHook

from hesp_mmaction.models.eval_cache import EvalCache, caches_trusted, forget_changed

KNOWN = ['anger', 'fear', 'happiness']
HEADS = dict(
    HESPHead=dict(learn_negative_text=True), CoOpHead={}, CLIPERHead={})


def build(clips, head, seed=0):
    torch.manual_seed(seed)
    negatives = dict(type='NegativeVisuals', image_size=32) if head == 'HESPHead' else None
    return MODELS.build(dict(
        type='HESPRecognizer', known=KNOWN, negatives=negatives,
        backbone=dict(type='CLIPImageTower', **clips['vit']),
        cls_head=dict(type=head, clip=clips['vit'], **HEADS[head]))).eval()


def outputs(model):
    dtype = next(model.parameters()).dtype
    x = 255 * torch.rand(2, 2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found, _ = model.extract_feat(x.to(dtype), stage='head')
        return {name: value.clone() for name, value in found.items()} | (
            model.cls_head.extra_logits(found))


def loaded(model, other):
    model.load_state_dict(other.state_dict())


def double(model, other):
    model.load_state_dict(other.state_dict())
    outputs(model)
    model.double()
    other.double()


def in_place(model, other):
    """As an optimizer does, in evaluation mode."""
    with torch.no_grad():
        for ours, theirs in zip(model.parameters(), other.parameters(), strict=True):
            ours.copy_(theirs)


def data_swapped(model, other):
    """As mmengine's EMAHook does, which no tensor notices."""
    hook = EMAHook()
    hook.src_model = model
    hook.ema_model = MODELS.build(dict(type='ExponentialMovingAverage'),
                                  default_args=dict(model=other))
    hook._swap_ema_parameters()


def replaced(model, other):
    model.cls_head.prompts = copy.deepcopy(other.cls_head.prompts)
    if model.negatives is not None:
        model.negatives = copy.deepcopy(other.negatives)
        model.cls_head.negative_prompts = copy.deepcopy(other.cls_head.negative_prompts)


@pytest.mark.parametrize('head', HEADS)
@pytest.mark.parametrize('change', [loaded, double, in_place, data_swapped, replaced])
def test_new_weights_give_what_a_fresh_model_gives(clips, head, change):
    model, other = build(clips, head), build(clips, head, seed=5)
    old = outputs(model)
    change(model, other)
    found, expected = outputs(model), outputs(other)
    assert not torch.equal(found['logits'], old['logits'].to(found['logits'].dtype))
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=0)


def test_nothing_is_computed_twice(clips, monkeypatch):
    model = build(clips, 'HESPHead')
    calls = []
    text, encode = model.cls_head.text.forward, model.negatives.forward
    monkeypatch.setattr(model.cls_head.text, 'forward', lambda *a: calls.append('t') or text(*a))
    monkeypatch.setattr(model.negatives, 'forward', lambda f: calls.append('n') or encode(f))
    for _ in range(3):
        outputs(model)
    assert sorted(calls) == ['n', 't', 't', 't']  # texts, contexts with no name, negative texts


@pytest.mark.parametrize('change', [loaded, in_place, data_swapped, replaced])
def test_a_prediction_is_of_the_weights_that_are_there(clips, change):
    model, other = build(clips, 'HESPHead'), build(clips, 'HESPHead', seed=5)
    x = 255 * torch.rand(2, 2, 3, 32, 32)

    def logits(which):
        with torch.no_grad():
            found = which(x, [ActionDataSample(), ActionDataSample()], mode='predict')
        return torch.stack([sample.logits for sample in found])
    old = logits(model)
    torch.testing.assert_close(logits(model), old, rtol=0, atol=0)
    change(model, other)
    assert not torch.equal(logits(model), old)
    torch.testing.assert_close(logits(model), logits(other), rtol=0, atol=0)


def test_trust_ends_with_the_block_and_is_not_for_other_modules():
    ours, theirs = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)
    cache = EvalCache()
    cache.get(lambda: 'old', ours)
    with caches_trusted([cache]):
        ours.weight.data += 1
        assert cache.get(lambda: 'new', ours) == 'old'
        assert cache.get(lambda: 'theirs', theirs) == 'theirs'
    cache.get(lambda: 'old', ours)
    ours.weight.data += 1
    assert cache.get(lambda: 'new', ours) == 'new'


def test_only_the_value_whose_weights_changed_is_dropped():
    modules = [torch.nn.Linear(2, 2), torch.nn.Linear(2, 2).double()]
    caches = [EvalCache(), EvalCache()]
    for cache, module in zip(caches, modules, strict=True):
        cache.get(lambda: 'old', module)
    modules[1].bias.data += 1
    forget_changed(caches)
    assert [cache.get(lambda: 'new', module) for cache, module in zip(
        caches, modules, strict=True)] == ['old', 'new']


def test_a_copy_of_a_model_has_its_own(clips):
    model = build(clips, 'CoOpHead')
    old = outputs(model)
    twin = copy.deepcopy(model)
    twin.cls_head.prompts.contexts.data += 1
    assert not torch.equal(outputs(twin)['logits'], old['logits'])
    torch.testing.assert_close(outputs(model)['logits'], old['logits'], rtol=0, atol=0)


def test_a_change_behind_the_back_of_a_large_tensor_is_seen():
    module = torch.nn.Linear(300, 300)
    cache, calls = EvalCache(), []

    def compute():
        calls.append(1)
        return module.weight.sum()
    for _ in range(2):
        cache.get(compute, module)
    assert len(calls) == 1
    module.weight.data.mul_(1.001)
    cache.get(compute, module)
    assert len(calls) == 2

