from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper

from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation.scores import SCORES, compute_score
from hesp_mmaction.models.heads import CLIPZeroShotHead, HESPHead, hesp_head
from hesp_mmaction.models.heads.prototype_head import point_logits

KNOWN = ('anger', 'fear', 'happiness')


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def make(clips, **arguments):
    torch.manual_seed(0)
    return HESPHead(KNOWN, clips['vit'], **arguments).double()


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(1)
    f = torch.randn(6, 12, generator=generator, dtype=torch.float64)
    c = torch.randn(3, 12, generator=generator, dtype=torch.float64)
    return f, c, torch.tensor([0, 1, 2, 0, 1, 0])


def test_centred_score_ignores_what_all_negatives_share(clips, batch):
    f, c, _ = batch
    head = make(clips, score_kind='centred')
    outputs = head(f, points=c)
    z, zn = (outputs[f'logits_{name}'].detach().numpy() for name in ('known', 'negative'))
    expected = ((z + zn - zn.mean(1, keepdims=True)) / 2).max(1)
    np.testing.assert_allclose(head.score(outputs).detach().numpy(), expected, rtol=1e-9)


@pytest.mark.parametrize('fusion', ['prob', 'logit'])
def test_a_constant_on_all_negative_logits_of_a_video(clips, batch, fusion, monkeypatch):
    """It moves the largest logit alone: neither probabilities nor the centred score."""
    f, c, y = batch
    head = make(clips, fusion=fusion)
    before = head(f, points=c)
    constant = torch.tensor([5.0, -3, 0.1, 0, 40, -0.7], dtype=torch.float64)
    monkeypatch.setattr(hesp_head, 'point_logits',
                        lambda *args: point_logits(*args) + constant[:, None])
    after = head(f, points=c)
    shift = {name: after_score - head.scores(before)[name]
             for name, after_score in head.scores(after).items()}
    exact = dict(atol=1e-12, rtol=0)
    torch.testing.assert_close(after['probabilities'], before['probabilities'], **exact)
    torch.testing.assert_close(shift['logit'], constant / 2, **exact)
    for name in ('prob', 'centred'):
        torch.testing.assert_close(shift[name], torch.zeros_like(constant), **exact)
    a, b = head.losses(before, y), head.losses(after, y)
    for name in a:
        torch.testing.assert_close(a[name], b[name], atol=1e-11, rtol=0)


def test_a_loss_of_weight_zero_is_off_and_an_unknown_one_is_named(clips, batch):
    f, c, y = batch
    head = make(clips, loss_weights=dict(contrastive=0, fused=0))
    assert set(head.losses(head(f, points=c), y)) == {
        'loss_known', 'loss_negative', 'loss_alignment', 'loss_hold'}
    assert not hasattr(head, 'radius')
    with pytest.raises(InputError, match='loudness'):
        make(clips, loss_weights=dict(loudness=1))


def test_the_switches_opposite_and_diversity_are_off_and_weigh_in_when_on(clips, batch):
    f, c, y = batch
    plain = make(clips)
    assert not {'loss_opposite', 'loss_diversity'} & set(plain.losses(plain(f, points=c), y))
    head = make(clips, loss_weights=dict(opposite=2.0, diversity=3.0, alignment=0.0))
    found = head.losses(head(f, points=c), y)
    assert 'loss_alignment' not in found  # the negatives carry no names
    cosines = unit(f.numpy()) @ unit(head.negative_text.numpy()).T
    p = softmax(float(head.text.logit_scale) * cosines)
    others = np.ones((6, 3)) - np.eye(3)[y]
    expected = -(others / 2 * np.log(p)).sum(1).mean()
    assert float(found['loss_opposite']) == pytest.approx(2 * expected, rel=1e-9)
    between = (unit(c.numpy()) @ unit(c.numpy()).T)[~np.eye(3, dtype=bool)]
    assert float(found['loss_diversity']) == pytest.approx(3 * np.square(between).mean(), rel=1e-9)


def test_learned_negative_texts_learn_by_the_opposite_loss_alone(clips, batch):
    f, _, y = batch
    with pytest.raises(InputError, match='alignment and opposite alone'):
        make(clips, learn_negative_text=True, loss_weights=dict(alignment=0.0))
    head = make(clips, learn_negative_text=True,
                loss_weights=dict(alignment=0.0, opposite=1.0)).train()
    sum(head.losses(head(f), y).values()).backward()  # without negatives
    assert head.negative_prompts.contexts.grad.abs().sum() > 0


def test_without_negatives_it_is_textual_prompting(clips, batch):
    f, _, y = batch
    head = make(clips)
    outputs = head(f)
    assert torch.equal(outputs['logits'], outputs['logits_known'])
    assert set(head.losses(outputs, y)) == {'loss_known', 'loss_contrastive', 'loss_hold'}


def test_permuted_names_permute_the_outputs(clips, batch):
    f, c, _ = batch
    head = make(clips)
    order = [2, 0, 1]
    other = HESPHead([KNOWN[i] for i in order], clips['vit']).double()
    other.prompts.contexts.data = head.prompts.contexts.data[order]
    torch.testing.assert_close(other(f, points=c[order])['probabilities'],
                               head(f, points=c)['probabilities'][:, order])


def test_only_prompts_learn_and_contexts_may_be_fixed(clips):
    head = make(clips, loss_weights=dict(margin=0.1))
    assert {n for n, p in head.named_parameters() if p.requires_grad} == {
        'prompts.contexts', 'radius'}
    fixed = make(clips, learn_contexts=False)
    assert not any(p.requires_grad for p in fixed.parameters())


FITTED = {'temperature', 'threshold', 'feature_length', 'joint.means', 'joint.precision',
          'joint.score_precision', 'joint.weights', 'joint.centres',
    'joint.spreads'}


def test_state_holds_prompts_and_what_is_fitted_only(clips):
    assert set(make(clips).state_dict()) == {'prompts.contexts'} | FITTED


@pytest.mark.parametrize('class_specific', [True, False])
def test_learned_negative_texts_take_the_place_of_the_fixed_ones(clips, batch, class_specific):
    f, c, y = batch
    head = make(clips, learn_negative_text=True, learn_contexts=False, num_contexts=4,
                class_specific=class_specific)
    contexts = head.negative_prompts.contexts
    assert contexts.shape == head.prompts.contexts.shape
    assert not torch.equal(contexts, head.prompts.contexts)
    assert [n for n, p in head.named_parameters() if p.requires_grad] == [
        'negative_prompts.contexts']
    losses = head.losses(head(f, points=c), y)
    text = head.text(*head.negative_prompts()).detach().numpy()
    logits = head.text.logit_scale * unit(c.numpy()) @ unit(text).T
    align = -(np.log(np.diag(softmax(logits))) + np.log(np.diag(softmax(logits.T)))).mean() / 2
    assert float(losses['loss_alignment'].detach()) == pytest.approx(align)
    sum(losses.values()).backward()
    assert (contexts.grad.abs().sum((1, 2)) > 0).all()
    fixed = make(clips, num_contexts=4, class_specific=class_specific)
    assert torch.equal(fixed.prompts.contexts, head.prompts.contexts)  # one more draw, afterwards
    for name, value in fixed.losses(fixed(f, points=c), y).items():
        same = torch.equal(value.detach(), losses[name].detach())
        assert same == (name != 'loss_alignment')


def test_learned_negative_texts_are_in_the_state(clips, batch):
    f, c, y = batch
    head, other = (make(clips, learn_negative_text=True) for _ in range(2))
    assert set(head.state_dict()) == {'prompts.contexts', 'negative_prompts.contexts'} | FITTED
    head.negative_prompts.contexts.data += 0.1
    assert not torch.equal(other.class_negative_text(), head.class_negative_text())
    other.load_state_dict(head.state_dict())
    assert torch.equal(other.class_negative_text(), head.class_negative_text())


def test_learned_negative_texts_need_something_to_learn_from(clips, batch):
    f, _, y = batch
    with pytest.raises(InputError, match='alignment'):
        make(clips, learn_negative_text=True, loss_weights=dict(alignment=0))
    head = make(clips, learn_negative_text=True)
    with pytest.raises(InputError, match='model.negatives'):
        head.losses(head(f), y)


def test_the_official_schedule_fixes_the_contexts_but_not_the_negative_ones(clips):
    schedule = Path(__file__).parents[2] / 'configs/_base_/schedules/official.py'
    keys = Config.fromfile(schedule).optim_wrapper.paramwise_cfg.custom_keys
    model = torch.nn.Module()
    model.cls_head = make(clips, learn_negative_text=True)
    optimizer = build_optim_wrapper(model, dict(
        constructor='TrainableOptimWrapperConstructor', optimizer=dict(type='SGD', lr=0.5),
        paramwise_cfg=dict(custom_keys={k: v for k, v in keys.items() if 'contexts' in k})))
    rates = {id(p): group['lr'] for group in optimizer.param_groups for p in group['params']}
    assert rates[id(model.cls_head.prompts.contexts)] == 0
    assert rates[id(model.cls_head.negative_prompts.contexts)] == 0.5


def test_projection_where_widths_differ(clips, batch):
    _, _, y = batch
    head = make(clips, in_channels=7)
    outputs = head(torch.randn(6, 7).double(), points=torch.randn(3, 7).double())
    assert outputs['feature'].shape == (6, 12) and outputs['points'].shape == (3, 12)
    sum(head.losses(outputs, y).values()).backward()
    assert head.projection.weight.grad.abs().sum() > 0


def test_text_is_encoded_once_per_evaluation(clips, batch, monkeypatch):
    f, c, _ = batch
    head, calls = make(clips), []
    encode = head.text.forward
    monkeypatch.setattr(head.text, 'forward', lambda *a: calls.append(1) or encode(*a))
    head.eval()
    with torch.no_grad():
        first = head(f, points=c)['logits_known']
        head(f, points=c)
        assert len(calls) == 1
        head.prompts.contexts.data += 1
        head.eval()  # a new evaluation sees the change
        assert not torch.equal(head(f, points=c)['logits_known'], first)


def test_predict_fills_data_samples(clips, batch):
    f, c, y = batch
    head = make(clips).eval()
    samples = head.predict(f, [ActionDataSample().set_gt_label(int(i)) for i in y], points=c)
    outputs = head(f, points=c)
    for i, sample in enumerate(samples):
        assert int(sample.pred_label) == int(outputs['logits'][i].argmax())
        assert float(sample.pred_knownness) == pytest.approx(float(head.score(outputs)[i]))
        assert sample.pred_score.sum() == pytest.approx(1)
        assert sample.pred_feature.shape == (12,)
        assert {'logits_known', 'logits_negative', 'logits_mean'} <= set(sample.keys())
        assert torch.equal(sample.logits, outputs['logits'][i])


def test_the_threshold_decides_between_a_name_and_unknown(clips, batch):
    f, c, _ = batch
    head = make(clips).eval()

    def said(threshold):
        head.threshold.fill_(threshold)
        return [s.pred_emotion for s in head.predict(f, [ActionDataSample() for _ in f], points=c)]

    scores = head.score(head(f, points=c))
    names = [KNOWN[i] for i in head(f, points=c)['logits'].argmax(1)]
    assert said(float('nan')) == names == said(float(scores.min()))  # not below: known
    middle = float(scores.sort().values[3])
    assert said(middle) == [name if score >= middle else 'unknown'
                            for name, score in zip(names, scores, strict=True)]
    assert said(middle).count('unknown') == 3
    assert set(said(float(scores.max()) + 1)) == {'unknown'}


@pytest.mark.parametrize('learned', [False, True])
def test_what_is_dumped_for_other_scores(clips, batch, learned):
    f, c, _ = batch
    head = make(clips, learn_negative_text=learned).eval()
    with torch.no_grad():
        samples = head.predict(f, [ActionDataSample() for _ in f], points=c)
        text, negative = unit(head.class_text().numpy()), unit(head.class_negative_text().numpy())
    for i, sample in enumerate(samples):
        cosines = text @ unit(f[i].numpy())
        np.testing.assert_allclose(sample.logits_cosine, cosines, rtol=1e-5)
        np.testing.assert_allclose(sample.logits_negative_text,
                                   head.text.logit_scale * negative @ unit(f[i].numpy()), rtol=1e-5)
        fields = {key: getattr(sample, key)[None] for key in sample.keys() if 'logits' in key}
        for kind in ('logit', 'centred'):
            assert float(compute_score(f'hesp_{kind}', fields)) == pytest.approx(
                float(getattr(sample, f'score_{kind}')))


# What a head calls its scores, and what the table of post-hoc scores calls the same number.
SAME = dict(prob='max_softmax', logit='hesp_logit', centred='hesp_centred', own='hesp_centred',
            known='max_logit')
SAME_WITHOUT_NEGATIVES = dict.fromkeys(('logit', 'centred', 'own', 'known'), 'max_logit') | dict(
    prob='max_softmax')


@pytest.mark.parametrize('fusion', ['prob', 'logit'])
@pytest.mark.parametrize('negatives', [True, False])
def test_a_score_has_one_number_under_each_of_its_names(clips, batch, fusion, negatives):
    f, c, _ = batch
    head = make(clips, fusion=fusion).eval()
    with torch.no_grad():
        outputs = head(f, points=c if negatives else None)
        scores = head.scores(outputs)
    names = SAME if negatives else SAME_WITHOUT_NEGATIVES
    assert set(scores) == set(names)
    for kind, name in names.items():
        fields = dict(outputs, logits=outputs['logits_known']) if kind == 'known' else outputs
        torch.testing.assert_close(compute_score(name, fields), scores[kind].double())
    # No score of the table is called as one of the head's and is another number.
    assert {name.removeprefix('hesp_') for name in SCORES if name.startswith('hesp_')} & set(
        scores) == {'logit', 'centred'}
    if negatives and fusion == 'prob':
        torch.testing.assert_close(compute_score('hesp_mean_softmax', outputs),
                                   scores['prob'].double())


def test_logits_stay_finite_where_a_probability_is_rounded_to_zero(clips, batch):
    f, c, _ = batch
    head = make(clips, fusion='prob', feature_length=None).float().eval()
    with torch.no_grad():
        head.text.logit_scale = 5000.0
        outputs = head(f.float(), points=1000 * c.float())
    assert (outputs['probabilities'] == 0).any() and outputs['logits'].isfinite().all()
    torch.testing.assert_close(outputs['logits'].exp(), outputs['probabilities'])


@pytest.mark.parametrize('arguments, said', [
    (dict(fusion='sum'), 'fusion'), (dict(negative_kind='far'), 'negative_kind'),
    (dict(score_kind='best'), 'score_kind')])
def test_bad_choices_are_named(clips, arguments, said):
    with pytest.raises(InputError, match=said):
        make(clips, **arguments)


def test_one_known_class_is_refused(clips):
    with pytest.raises(InputError, match='two known classes'):
        HESPHead(['anger'], clips['vit'])


def test_zero_shot_is_cosine_with_the_template(clips, batch):
    f, _, y = batch
    head = CLIPZeroShotHead(KNOWN, clips['vit']).double()
    text = head.text.encode_text([f'a photo of a {w} expression'
                                  for w in ('angry', 'fearful', 'happy')]).numpy()
    outputs = head(f)
    expected = head.text.logit_scale * unit(f.numpy()) @ unit(text).T
    np.testing.assert_allclose(outputs['logits'].numpy(), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(head.score(outputs), outputs['logits'].max(1).values)
    sample, *_ = head.predict(f, [ActionDataSample() for _ in f])
    negative = head.text.encode_text([f'This video is not {w}.'
                                      for w in ('angry', 'fearful', 'happy')]).numpy()
    np.testing.assert_allclose(sample.logits_cosine, unit(f.numpy())[0] @ unit(text).T,
                               rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(sample.logits_negative_text, head.text.logit_scale
                               * unit(f.numpy())[0] @ unit(negative).T, rtol=1e-5, atol=1e-5)
    with pytest.raises(InputError, match='nothing to train'):
        head.losses(outputs, y)
