"""HESP's joint score inside the head: fitted, saved, used, and what came before it."""
import logging

import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample

from hesp_mmaction.evaluation.dumps import dump_of_rows, dump_row
from hesp_mmaction.evaluation.scores import compute_score, squared_distances
from hesp_mmaction.models.checkpoints import check_checkpoint
from hesp_mmaction.models.heads import CoOpHead, HESPHead

KNOWN = ('anger', 'fear', 'happiness')
POINTS = torch.randn(3, 12, generator=torch.Generator().manual_seed(5))


def clip_features(seed, count=24):
    """Features (count, 12) around three directions, and labels."""
    generator = torch.Generator().manual_seed(seed)
    label = torch.arange(count) % 3
    return 0.5 * torch.randn(count, 12, generator=generator) + 2 * torch.eye(12)[label], label


def predict(head, feature, label):
    """The dump of a test run of the head."""
    samples = [ActionDataSample(metainfo=dict(sample_id=f'{i:03}', emotion=KNOWN[k]))
               .set_gt_label(int(k)) for i, k in enumerate(label)]
    with torch.no_grad():
        samples = head.predict(feature, samples, points=POINTS)
    return dump_of_rows([dump_row(sample.to_dict()) for sample in samples], KNOWN)


def make(clips, **arguments):
    torch.manual_seed(0)
    return HESPHead(KNOWN, clips['vit'], **arguments).eval()


def fitted(clips, **arguments):
    head = make(clips, **arguments)
    train = predict(head, *clip_features(0))
    return head, train, train | head.fit_scores(train)


def test_until_it_is_fitted_the_own_score_decides(clips):
    head = make(clips)
    dump = predict(head, *clip_features(1))
    np.testing.assert_array_equal(dump['score'], dump['score_own'])
    np.testing.assert_array_equal(dump['score'], dump['score_centred'])
    assert not head.joint.fitted and 'score_joint' not in dump


def test_once_fitted_the_head_gives_what_its_dumps_give(clips):
    head, train, _ = fitted(clips)
    dump = predict(head, *clip_features(1))
    expected = compute_score('joint', dump, train).numpy()
    np.testing.assert_allclose(dump['score'], expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(dump['score'], dump['score_joint'])
    assert not np.allclose(dump['score'], dump['score_own'])


def test_the_class_gaussians_take_part_in_the_prediction(clips):
    head, _, _ = fitted(clips)
    feature, label = clip_features(1)
    with torch.no_grad():
        outputs = head(feature, points=POINTS)
        own = make(clips)(feature, points=POINTS)['probabilities'].double()
    distances = squared_distances(feature.double(), head.joint.means.double(),
                                  head.joint.precision.double())
    expected = (own + (-distances / 2).softmax(1)) / 2
    torch.testing.assert_close(outputs['probabilities'].double(), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(outputs['logits'].exp(), outputs['probabilities'])
    right = (outputs['logits'].argmax(1) == label).float().mean()
    assert right > (own.argmax(1) == label).float().mean()


def test_training_clips_are_scored_as_clips_that_took_no_part(clips):
    """Otherwise the threshold would keep fewer of the new clips than it says."""
    head, train, held_out = fitted(clips)
    with_them = predict(head, *clip_features(0))
    assert (held_out['score'] < with_them['score']).all()
    assert set(held_out) == set(train) | {'score_joint', 'score_joint_of_compounds'}
    np.testing.assert_array_equal(held_out['score_joint'], held_out['score'])
    np.testing.assert_array_equal(held_out['pred'], held_out['logits'].argmax(1))
    np.testing.assert_allclose(np.exp(held_out['logits']), held_out['probabilities'])
    new = np.concatenate([predict(head, *clip_features(seed))['score'] for seed in range(2, 12)])
    kept = {name: (new >= np.quantile(dump['score'], 0.1)).mean()
            for name, dump in dict(held_out=held_out, with_them=with_them).items()}
    assert kept['held_out'] > 0.75 > 0.7 > kept['with_them'], kept


def test_a_second_fit_forgets_the_first(clips):
    """As after --resume, when the checkpoint holds the fit of fewer epochs."""
    head, train, first = fitted(clips)
    head.fit_scores(predict(head, *clip_features(7)))
    again = predict(head, *clip_features(0))
    again |= head.fit_scores(again)
    for name in set(first) - {'pred_emotion'}:  # said by the threshold, which is fitted next
        np.testing.assert_array_equal(again[name], first[name], name)


def test_in_training_it_takes_no_part(clips):
    head, _, _ = fitted(clips)
    feature, label = clip_features(1)
    before = make(clips).train()(feature, points=POINTS)
    after = head.train()(feature, points=POINTS)
    torch.testing.assert_close(after['logits'], before['logits'])
    assert set(head.losses(after, label)) == set(make(clips).losses(before, label))


def test_a_checkpoint_keeps_it(clips):
    head, _, _ = fitted(clips)
    other = make(clips)
    other.load_state_dict(head.state_dict())
    for name, values in predict(head, *clip_features(1)).items():
        np.testing.assert_array_equal(predict(other, *clip_features(1))[name], values)


def test_a_checkpoint_from_before_means_what_it_meant(clips, monkeypatch):
    old = make(clips, feature_length=None, score_kind='centred')
    state = {name: value for name, value in old.state_dict().items()
             if name != 'feature_length' and not name.startswith('joint.')}
    model = torch.nn.Module()
    model.cls_head = make(clips)
    weights = check_checkpoint(model, dict(
        state_dict={f'cls_head.{name}': value for name, value in state.items()},
        hesp=dict(known=list(KNOWN))))
    model.load_state_dict(weights, strict=False)
    feature, label = clip_features(1)
    before, after = (predict(head, 15 * feature, label) for head in (old, model.cls_head))
    for name in ('score', 'logits', 'pred', 'logits_negative'):
        np.testing.assert_array_equal(after[name], before[name])


@pytest.mark.parametrize('kind', ['prob', 'logit', 'centred'])
def test_another_score_may_decide_and_the_joint_one_is_there_all_the_same(clips, kind):
    head, train, held_out = fitted(clips, score_kind=kind)
    dump = predict(head, *clip_features(1))
    np.testing.assert_array_equal(dump['score'], dump[f'score_{kind}'])
    np.testing.assert_allclose(dump['score_joint'], compute_score('joint', dump, train),
                               rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(held_out['score'], train['score'])


@pytest.mark.parametrize('kind', ['euclidean', 'arpl'])
def test_the_length_of_features_plays_no_part(clips, kind):
    head = make(clips, negative_kind=kind)
    feature, _ = clip_features(1)
    usual, longer = (head(scale * feature, points=scale * POINTS) for scale in (1, 158))
    for name in ('logits', 'logits_negative', 'probabilities'):
        torch.testing.assert_close(longer[name], usual[name], rtol=1e-4, atol=1e-4)
    lengths = usual['points'].norm(dim=1)
    torch.testing.assert_close(lengths, torch.full_like(lengths, 10.0))


def test_coop_gives_the_logits_of_zero_shot_clip(clips):
    torch.manual_seed(0)
    coop, hesp = CoOpHead(KNOWN, clips['vit']).eval(), make(clips)
    feature, _ = clip_features(1)
    with torch.no_grad():
        found = [head.extra_logits(head(feature))['zero_shot'] for head in (coop, hesp)]
    torch.testing.assert_close(*found)


def test_a_class_without_a_training_clip_is_far(clips, caplog):
    head = make(clips)
    feature, label = clip_features(0)
    train = predict(head, feature[label < 2], label[label < 2])
    with caplog.at_level(logging.WARNING):
        head.fit_scores(train)
    dump = predict(head, *clip_features(1))
    assert np.isfinite(dump['score']).all() and np.isfinite(dump['logits']).all()
