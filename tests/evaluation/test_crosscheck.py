"""Our metrics against two packages of others, where these are installed.

They are the extra ``crosscheck`` of setup.py. In both a bigger score is more
*unknown*, so they get our scores with the other sign.
"""
import numpy as np
import pytest
import torch
from test_ranking import case

from hesp_mmaction.evaluation import aupr, auroc, fpr_at_tpr, oscr

CASES = [case(seed, levels) for seed in range(12) for levels in (0, 1, 3)]


def together(known, correct, unknown):
    """Outlier scores, labels and predictions, all (N,), of known samples of class 0."""
    score = -np.concatenate([known, unknown])
    label = np.where(np.arange(len(score)) < len(known), 0, -1)
    pred = np.concatenate([np.where(correct, 0, 1), np.zeros(len(unknown), int)])
    return score, label, pred


def trapezoids(known, unknown, positive):
    """AUPR with straight lines between the points (recall, precision) of all thresholds."""
    yes, no = (known, unknown) if positive == 'known' else (-unknown, -known)
    recall, precision = [0.0], [1.0]
    for threshold in np.unique(np.concatenate([yes, no]))[::-1]:
        hits = (yes >= threshold).sum()
        recall.append(hits / len(yes))
        precision.append(hits / (hits + (no >= threshold).sum()))
    return np.trapezoid(precision, recall)


@pytest.mark.parametrize('known, correct, unknown', CASES)
def test_pytorch_ood(known, correct, unknown):
    """AUROC, OSCR and FPR@95 are ours, ties included; AUPR has trapezoids where ours has steps."""
    theirs = pytest.importorskip('pytorch_ood.metrics.functional')
    score, label, pred = map(torch.as_tensor, together(known, correct, unknown))
    assert float(theirs.auroc(score, label)) == pytest.approx(auroc(known, unknown), abs=1e-12)
    assert theirs.oscr_score(score, pred, label) == pytest.approx(oscr(known, correct, unknown),
                                                                  abs=1e-12)
    assert float(theirs.fpr_at_tpr(score, label)) == pytest.approx(
        fpr_at_tpr(known, unknown, positive='unknown'), abs=1e-12)
    for name, positive in (('ood', 'unknown'), ('id', 'known')):
        found = float(theirs.aupr(score, label, name))
        assert found == pytest.approx(trapezoids(known, unknown, positive), abs=1e-12)


@pytest.mark.parametrize('known, correct, unknown', CASES)
def test_osr_metrics(known, correct, unknown):
    """AUROC, OSCR and both AUPR are ours.

    FPR@95 is ours without ties. With ties it may be larger, as points on the line between two
    others are dropped from the curve before the first one above 95 % is taken. The OSCR of a
    constant score is 0 there.
    """
    theirs = pytest.importorskip('osr_metrics')
    score, label, pred = together(known, correct, unknown)
    novel = (label < 0).astype(int)
    assert theirs.auroc(score, novel) == pytest.approx(auroc(known, unknown), abs=1e-12)
    if len(set(score)) > 1:
        assert theirs.compute_aoscr_multiclass(score, novel, pred, label) == pytest.approx(
            oscr(known, correct, unknown), abs=1e-12)
    assert theirs.aupr_in(score, novel) == pytest.approx(aupr(known, unknown), abs=1e-12)
    assert theirs.aupr_out(score, novel) == pytest.approx(aupr(known, unknown, 'unknown'),
                                                          abs=1e-12)
    ours = fpr_at_tpr(known, unknown, positive='unknown')
    if len(set(score)) == len(score):
        assert theirs.fpr_at_95tpr(score, novel) == pytest.approx(ours, abs=1e-12)
    else:
        assert theirs.fpr_at_95tpr(score, novel) >= ours - 1e-12
