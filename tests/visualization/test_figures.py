import cv2
import numpy as np
import pytest

from hesp_mmaction.visualization import save_figures


@pytest.mark.parametrize('threshold', [None, 0.5])
@pytest.mark.parametrize('scores', [
    np.random.default_rng(0).normal(size=60), np.zeros(60), np.linspace(24.9, 25.1, 60)])
def test_three_figures_with_something_in_them(tmp_path, scores, threshold):
    label = np.arange(60) % 4 - 1
    dump = dict(label=label, score=scores, pred=np.arange(60) % 3)
    paths = save_figures(dump, tmp_path / 'figures', threshold)
    assert [path.rsplit('/')[-1] for path in paths] == ['scores.png', 'roc.png', 'oscr.png']
    for path in paths:
        assert cv2.imread(path).std() > 5


def test_a_single_unknown(tmp_path):
    label = np.array([0, 1, 0, -1])
    dump = dict(label=label, score=np.array([3., 2., 2., 1.]), pred=np.array([0, 1, 1, 0]))
    assert len(save_figures(dump, tmp_path)) == 3
