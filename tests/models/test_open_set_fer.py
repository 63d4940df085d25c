"""Open-set FER: pseudo labels and maps that follow a mirror."""
import numpy as np
import pytest
import torch
from leaves import KNOWN, build, same_after_loading, samples, step
from mmaction.registry import MODELS

from hesp_mmaction.errors import InputError
from hesp_mmaction.models.heads import PseudoLabelHead
from hesp_mmaction.models.losses import flip_consistency

LEAF = 'open_set_fer_afew_o34.py'


def test_the_mirror_loss_equals_numpy():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(2, 3, 4, 5))
    expected = [np.mean([(a[i, k, r, c] - b[i, k, r, 4 - c]) ** 2
                         for k in range(3) for r in range(4) for c in range(5)]) for i in range(2)]
    found = flip_consistency(torch.tensor(a), torch.tensor(b))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)
    assert flip_consistency(torch.tensor(a), torch.tensor(a[..., ::-1].copy())).eq(0).all()


def test_the_score_is_the_likelihood_of_the_pseudo_label():
    torch.manual_seed(0)
    head = PseudoLabelHead(KNOWN, 4).double()
    f = torch.randn(4, 4, dtype=torch.float64)
    outputs = head(f, labels=torch.tensor([2, 0, -1, 1]))
    z = outputs['logits'].detach().numpy()
    log_p = z - np.log(np.exp(z).sum(1, keepdims=True))
    expected = [log_p[0, 2], log_p[1, 0], log_p[2].max(), log_p[3, 1]]
    np.testing.assert_allclose(head.score(outputs).detach().numpy(), expected, rtol=1e-12)
    labelled = samples(4)
    head.pseudo_labels = {sample.sample_id: 1 for sample in labelled}
    assert head.loss(f, labelled)['loss_known'].item() == pytest.approx(-log_p[:, 1].mean())
    predicted = head.predict(f, samples(4))
    found = torch.cat([sample.pred_knownness for sample in predicted]).numpy()
    np.testing.assert_allclose(found, log_p[:, 1], rtol=1e-12)


def test_activation_maps_are_the_classifier_at_every_place():
    torch.manual_seed(0)
    head = PseudoLabelHead(KNOWN, 4).double()
    maps = torch.randn(2, 3, 4, 5, 6, dtype=torch.float64)
    found = head.activation_maps(maps)
    assert found.shape == (2, 3, 3, 5, 6)
    place = head(maps[1, 2, :, 3, 4][None])['logits'][0] - head.classifier.bias
    torch.testing.assert_close(found[1, 2, :, 3, 4], place)


def test_the_leaf(clips):
    """Both stages; the mirror counts only while pseudo labels are learned."""
    model, _ = build(LEAF, clips['vit'], image_size=32)
    losses, trained = step(model, 32)
    assert 'loss_flip' not in losses
    model.cls_head.pseudo_labels = {f'{i}.avi': (i + 1) % 3 for i in range(3)}
    model.zero_grad()
    second, trained_then = step(model, 32)
    assert second['loss_flip'] > 0 and second['loss_known'] != pytest.approx(losses['loss_known'])
    assert trained == trained_then
    assert {name.split('.')[0] for name in trained} == {'backbone', 'cls_head'}
    model.cls_head.pseudo_labels = {}
    same_after_loading(model, LEAF, 32, clips['vit'], image_size=32)


def test_the_recognizer_compares_with_the_maps_of_the_mirrored_frames(clips):
    model, _ = build(LEAF, clips['vit'], image_size=32)
    model = model.double().eval()
    model.cls_head.pseudo_labels = {f'{i}.avi': 0 for i in range(2)}
    clip = torch.randint(0, 256, (2, 2, 3, 32, 32)).double()
    loss = model(clip, samples(2), mode='loss')['loss_flip'].item()
    maps = []
    for frames in (clip, clip.flip(-1)):
        _, places = model.backbone(model.normalise(frames / 255).flatten(0, 1))
        maps.append(model.cls_head.activation_maps(places))
    expected = 6 * (maps[0] - maps[1].flip(-1)).square().mean().item()
    assert loss == pytest.approx(expected)


@pytest.mark.parametrize('key, value', [
    ('visual_prompt', dict(type='VisualPrompt', image_size=32, size=8, region='centre')),
    ('negatives', dict(type='NegativeVisuals', image_size=32)), ('grad_frames', 1)])
def test_what_the_second_stage_would_pass_over_is_refused(key, value):
    with pytest.raises(InputError, match=f'model.{key} means nothing to FlipConsistency'):
        MODELS.build(dict(type='FlipConsistencyRecognizer', known=['anger', 'fear'], backbone={},
                          cls_head={}, **{key: value}))
