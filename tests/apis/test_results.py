"""What finished runs left, read from their work dirs."""
import json

import numpy as np
import pytest

from hesp_mmaction.apis.results import read_metrics, read_run, run_names
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import save_dump


def test_a_run_is_read_from_its_folder(tmp_path):
    save_dump(dict(score=np.array([0.5, -1.0])), tmp_path / 'predictions.npz')
    (tmp_path / 'metrics.json').write_text(json.dumps(dict(AUROC=51.2)))
    assert read_run(tmp_path)['score'].tolist() == [0.5, -1.0]
    assert read_metrics(tmp_path) == dict(AUROC=51.2)


def test_a_folder_without_results_says_what_to_do(tmp_path):
    with pytest.raises(InputError, match='no predictions.npz: train or test into that work dir'):
        read_run(tmp_path)
    save_dump(dict(score=np.array([0.5])), tmp_path / 'predictions.npz')
    with pytest.raises(InputError, match='no metrics.json: train or test into that work dir'):
        read_metrics(tmp_path)


@pytest.mark.parametrize('folders, names', [
    (['x/a'], ['a']), (['x/a', 'x/b'], ['a', 'b']),
    (['x/a/split0', 'x/b/split0'], ['a/split0', 'b/split0']),
    (['x/a/0', 'y/a/0', 'y/b/0'], ['x/a/0', 'y/a/0', 'y/b/0'])])
def test_names_are_the_shortest_ends_that_differ(tmp_path, folders, names):
    assert run_names([tmp_path / folder for folder in folders]) == names
    with pytest.raises(InputError, match='the same work dir twice'):
        run_names([tmp_path / folder for folder in [*folders, folders[0]]])
