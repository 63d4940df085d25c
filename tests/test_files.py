"""Files are whole or not there."""
import json
import math

import pytest

from hesp_mmaction.files import whole, write_json


def test_an_interrupted_write_leaves_the_file_before(tmp_path):
    path = tmp_path / 'new' / 'a.txt'
    with whole(path) as file:
        file.write('first')
    with pytest.raises(KeyboardInterrupt), whole(path) as file:
        file.write('sec')
        raise KeyboardInterrupt
    assert path.read_text() == 'first'
    with whole(path, 'wb') as file:
        file.write(b'third')
    assert [p.name for p in path.parent.iterdir()] == ['a.txt']
    assert path.read_text() == 'third'


def test_nan_becomes_null(tmp_path):
    write_json(dict(a=math.nan, b=1.5, c='x'), tmp_path / 'a.json')
    assert json.loads((tmp_path / 'a.json').read_text()) == dict(a=None, b=1.5, c='x')
