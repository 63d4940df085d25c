import os
import subprocess
import sys
import textwrap

import pytest


@pytest.fixture
def run_python():
    """Runs code in a fresh Python, with ``path`` before everything else on its module path."""
    def run(code, path=None):
        env = dict(os.environ, PYTHONPATH=os.pathsep.join(
            str(p) for p in (path, os.environ.get('PYTHONPATH')) if p))
        return subprocess.run([sys.executable, '-W', 'ignore', '-c', textwrap.dedent(code)],
                              capture_output=True, text=True, env=env, timeout=120)
    return run
