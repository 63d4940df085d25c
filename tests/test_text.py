"""File names that are not UTF-8 in everything that is written."""
import io
import os
import sys

import pytest

from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.text import printable, some

NAME = os.fsdecode(b'caf\xe9.mp4')


def test_printable():
    assert printable(NAME) == 'caf\\xe9.mp4' and some([NAME, 'b']) == 'caf\\xe9.mp4, b'
    for text in ('', 'a/b.mp4', 'caf\u00e9 \U0001f600'):
        assert printable(text) == text


def test_a_tool_prints_such_a_name(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, 'stdout', io.TextIOWrapper(written, 'utf-8', write_through=True))
    with pytest.raises(UnicodeEncodeError):
        print(NAME)
    run_tool(lambda: print(NAME))
    assert written.getvalue().decode() == 'caf\\udce9.mp4\n'
