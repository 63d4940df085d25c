"""The type hints of the public functions are there and right (settings: pyproject.toml)."""
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope='module')
def mypy(tmp_path_factory):
    """A function (arguments) that runs mypy."""
    pytest.importorskip('mypy')
    cache = tmp_path_factory.mktemp('mypy_cache')
    return lambda *arguments: subprocess.run(
        [sys.executable, '-m', 'mypy', '--cache-dir', str(cache), *map(str, arguments)], cwd=ROOT,
        text=True, capture_output=True)


@pytest.mark.ci
def test_mypy_finds_nothing(mypy):
    result = mypy()
    assert result.returncode == 0, result.stdout


@pytest.mark.ci
def test_mypy_would_find_a_wrong_call(mypy, tmp_path):
    """Also of a user's code: the package is marked as typed."""
    file = tmp_path / 'user.py'
    file.write_text('from hesp_mmaction.evaluation.ranking import auroc\n'
                    'from hesp_mmaction.datasets.splits import known_names\n'
                    'area: str = auroc([1.0], [0.0])\n'
                    "names = known_names('AFEW', '3:4', 'first')\n")
    result = mypy(file)
    assert result.stdout.count('error: ') == 2 and 'user.py:3' in result.stdout, result.stdout
    assert 'user.py:4' in result.stdout and (ROOT / 'hesp_mmaction/py.typed').exists()
