"""The package as a whole: it can be imported, and applying twice is applying once."""
import importlib.machinery
import importlib.metadata
import subprocess
import sys

import pytest

from hesp_mmaction import compat


@pytest.mark.ci
def test_package_imports_from_anywhere(tmp_path):
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c',
         'import hesp_mmaction; print(hesp_mmaction.__version__)'],
        capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.stdout.strip() == importlib.metadata.version('hesp-mmaction'), done.stderr


def test_apply_twice():
    compat.apply()
    compat.apply()
