"""CSSR and RCSSR: reconstruction, the three terms of the score, and their fit."""
import socket

import numpy as np
import pytest
import torch
import torch.distributed as dist
from leaves import CONFIGS, KNOWN, build, same_after_loading, step

from hesp_mmaction.apis.protocol import run_split
from hesp_mmaction.evaluation import load_dump
from hesp_mmaction.models.heads import CSSRHead

B, C, N, K, L = 5, 4, 6, 3, 2
LABELS = [0, 1, 2, 0, 1]


def make(reciprocal=False):
    torch.manual_seed(0)
    head = CSSRHead(KNOWN, C, reciprocal=reciprocal, latent=L).double()
    for parameter in head.parameters():
        parameter.data = torch.randn_like(parameter)
    return head


def maps():
    return np.random.default_rng(0).normal(3, 20, size=(B, C, N))


def normalised(x):
    return (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)


@pytest.mark.parametrize('reciprocal', [False, True])
def test_probabilities_and_loss_equal_loops(reciprocal):
    head, x = make(reciprocal), maps()
    outputs = head(torch.tensor(x))
    weights = {name: p.detach().numpy() for name, p in head.named_parameters()}
    z = np.zeros((B, K, N))
    for b, row in enumerate(normalised(x)):
        for k in range(K):
            for u in range(N):
                hidden = np.tanh(weights['encoders'][k] @ row[:, u] + weights['encoder_biases'][k])
                again = weights['decoders'][k] @ hidden + weights['decoder_biases'][k]
                z[b, k, u] = (1 if reciprocal else -1) * 0.1 * abs(row[:, u] - again).sum()
    p = (np.exp(z) / np.exp(z).sum(1, keepdims=True)).mean(2)
    np.testing.assert_allclose(outputs['probabilities'].detach().numpy(), p, rtol=1e-9)
    np.testing.assert_allclose(outputs['place_logits'].detach().numpy(), z, rtol=1e-9)
    loss = head.losses(outputs, torch.tensor(LABELS))['loss_known']
    assert float(loss.detach()) == pytest.approx(
        -np.mean([np.log(p[b, k]) for b, k in enumerate(LABELS)]), rel=1e-9)


@pytest.mark.parametrize('reciprocal', [False, True])
def test_fit_and_score_equal_numpy(reciprocal):
    head, x = make(reciprocal), maps()
    with torch.no_grad():
        outputs = head(torch.tensor(x))
        first = head.score(outputs)
        head.fit(lambda: iter([(head(torch.tensor(x[:3])), torch.tensor(LABELS[:3])),
                               (head(torch.tensor(x[3:])), torch.tensor(LABELS[3:]))]))
        found = head.score(outputs)
    rows, labels = normalised(x), np.array(LABELS)
    place = outputs['place_logits'].numpy()
    predicted = outputs['probabilities'].numpy().argmax(1)

    def gram(m):
        return sum(np.outer(m[:, u] ** 8, m[:, u] ** 8) for u in range(N)) ** (1 / 8)

    prototypes = [rows[labels == k].mean((0, 2)) for k in range(K)]
    grams = [np.mean([gram(m) for m in rows[labels == k]], 0) for k in range(K)]
    terms = []
    for m, z, k in zip(rows, place, predicted, strict=True):
        rebuilt = z[k] if reciprocal else z[k] / abs(m).mean(0) ** 2
        g = gram(m)
        terms.append([rebuilt.mean(), m.mean(1) @ prototypes[k],
                      (g * grams[k]).sum() / np.linalg.norm(g) / np.linalg.norm(grams[k])])
    terms = np.array(terms)
    np.testing.assert_allclose(first.numpy(), terms[:, 0], rtol=1e-9)  # not fitted yet
    expected = ((terms - terms.mean(0)) / terms.std(0)).sum(1)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6, atol=1e-6)


def test_crops_of_a_video_give_their_places_together():
    head = make()
    x = torch.randn(4, C, 2, 3, 1)  # two crops of two videos, as Recognizer3D gives them
    found = head.pool(x, 2)
    assert found.shape == (2, C, 12)
    torch.testing.assert_close(found[1], torch.cat([x[2].flatten(1), x[3].flatten(1)], 1))


def fit_in_process(rank, port, folder):
    torch.set_num_threads(1)
    dist.init_process_group('gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank, world_size=2)
    head, rows = make(), list(range(rank, B, 2))  # 3 and 2 samples
    with torch.no_grad():
        head.fit(lambda: iter([(head(torch.tensor(maps()[rows])),
                                torch.tensor(LABELS)[rows])]))
    torch.save(dict(head.named_buffers()), f'{folder}/{rank}.pt')
    dist.destroy_process_group()


def test_two_processes_fit_what_one_does(tmp_path, in_processes):
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
    in_processes(fit_in_process, (port, str(tmp_path)), 2)
    alone = make()
    with torch.no_grad():
        alone.fit(lambda: iter([(alone(torch.tensor(maps())), torch.tensor(LABELS))]))
    for rank in range(2):
        found = torch.load(tmp_path / f'{rank}.pt', weights_only=True)
        for name, value in alone.named_buffers():
            torch.testing.assert_close(found[name], value, rtol=1e-9, atol=1e-9, equal_nan=True)


def test_a_run_fits_the_score_before_the_threshold(tiny_options, tmp_path):
    found = run_split(str(CONFIGS / 'cssr_afew_o34.py'), 0, tmp_path, tiny_options)
    weights = torch.load(tmp_path / 'epoch_1.pth', weights_only=False)['state_dict']
    assert weights['cls_head.terms_mean'].isfinite().all()
    train = load_dump(tmp_path / 'train_features.npz')
    assert train['score'].sum() == pytest.approx(0, abs=1e-3)  # three terms, each less its mean
    assert found['threshold'] == np.sort(train['score'])[0]  # 95 % of six


@pytest.mark.parametrize('name', ['cssr_afew_o34.py', 'rcssr_afew_o34.py'])
def test_leaves(clips, name):
    model, _ = build(name, clips['resnet'], image_size=64)
    losses, trained = step(model, 64)
    assert set(losses) == {'loss_known', 'acc'}
    assert trained == {f'cls_head.{part}' for part in (
        'encoders', 'encoder_biases', 'decoders', 'decoder_biases')}
    assert model.cls_head.reciprocal == name.startswith('rcssr')
    same_after_loading(model, name, 64, clips['resnet'], image_size=64)
