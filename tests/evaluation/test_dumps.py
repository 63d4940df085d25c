"""The file that holds the raw material of an evaluation: round trip, and files that are none."""
import numpy as np
import pytest

from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import load_dump, save_dump


def test_arrays_come_back(tmp_path):
    save_dump(dict(score=np.arange(3.0), emotion=np.array(['fear', 'joy', 'awe'])),
              tmp_path / 'a.npz')
    found = load_dump(tmp_path / 'a.npz')
    assert found['score'].tolist() == [0, 1, 2]
    assert found['emotion'].tolist() == ['fear', 'joy', 'awe']


@pytest.mark.parametrize('content', ['', 'text', 'half', 'npy', 'pickle', 'objects'])
def test_files_that_are_no_dump_are_named(tmp_path, content):
    path, whole = tmp_path / 'a.npz', tmp_path / 'whole.npz'
    save_dump(dict(score=np.arange(999.0)), whole)
    with open(path, 'wb') as file:
        if content == 'npy':
            np.save(file, np.arange(3))
        elif content == 'pickle':
            np.save(file, np.array([{}]), allow_pickle=True)
        elif content == 'objects':
            np.savez(file, score=np.array([{}]))
        else:
            file.write(whole.read_bytes()[:500] if content == 'half' else content.encode())
    with pytest.raises(InputError, match=r'a\.npz is damaged or no dump'):
        load_dump(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r'there is no file .*a\.npz'):
        load_dump(tmp_path / 'a.npz')
