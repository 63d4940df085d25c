"""Files are whole or not there."""
import json
import math
import multiprocessing
import os
import stat

import numpy as np
import pytest

from hesp_mmaction.files import whole, whole_path, write_json


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize('error', [KeyboardInterrupt, ValueError])
def test_an_interrupted_write_leaves_the_file_before_and_nothing_else(tmp_path, error):
    path = tmp_path / 'new' / 'a.txt'
    with whole(path) as file:
        file.write('first')
    with pytest.raises(error), whole(path) as file:
        file.write('sec')
        raise error
    assert path.read_text() == 'first' and names(path.parent) == ['a.txt']
    with whole(path, 'wb') as file:
        file.write(b'third')
    assert path.read_text() == 'third' and names(path.parent) == ['a.txt']


def test_a_writer_that_wants_a_path_gets_one_of_the_same_suffix(tmp_path):
    with pytest.raises(ValueError), whole_path(tmp_path / 'a.mp4'):
        raise ValueError  # before anything was written
    with whole_path(tmp_path / 'a.mp4') as part:
        assert part.endswith('.mp4') and os.path.basename(part).startswith('.')
        with open(part, 'w') as file:
            file.write('video')
        assert not (tmp_path / 'a.mp4').exists()
    assert names(tmp_path) == ['a.mp4']


def test_a_file_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, 'fsync', lambda number: done.append('fsync') or fsync(number))
    monkeypatch.setattr(os, 'replace', lambda *paths: done.append('replace') or replace(*paths))
    with whole(tmp_path / 'a') as file:
        file.write('x')
    assert done == ['fsync', 'replace']


def test_who_may_read_a_file_is_what_the_umask_says(tmp_path):
    before = os.umask(0o027)
    try:
        write_json(dict(a=1), tmp_path / 'a.json')
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / 'a.json').stat().st_mode) == 0o640


def write_often(path, letter, start):
    start.wait()
    for _ in range(100):
        with whole(path) as file:
            for _ in range(20):
                file.write(letter * 1000)
                file.flush()


def test_two_writers_of_one_file_do_not_mix(tmp_path):
    """Each of them in a process of its own; whoever reads meanwhile sees one or the other."""
    context = multiprocessing.get_context('fork')
    start, path = context.Barrier(3), tmp_path / 'shared.txt'
    writers = [context.Process(target=write_often, args=(path, letter, start)) for letter in 'ab']
    for writer in writers:
        writer.start()
    start.wait()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        if path.exists():
            seen.add(path.read_text())
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert seen | {path.read_text()} <= {'a' * 20000, 'b' * 20000}
    assert names(tmp_path) == ['shared.txt']


def test_what_is_no_number_becomes_null_at_any_depth(tmp_path):
    deep = [math.inf, dict(e=(-math.inf, 2), f=np.float64('nan'))]
    write_json(dict(a=math.nan, b=1.5, c='x', d=deep), tmp_path / 'a.json')

    def refuse(name):
        raise ValueError(name)
    found = json.loads((tmp_path / 'a.json').read_text(), parse_constant=refuse)
    assert found == dict(a=None, b=1.5, c='x', d=[None, dict(e=[None, 2], f=None)])
