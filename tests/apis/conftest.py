"""What the tests of the tools share."""
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from hesp_mmaction.apis import HESPInferencer

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='session')
def options(tiny_options):
    """--cfg-options that make the AFEW config small, for two epochs."""
    return tiny_options | {'train_cfg.max_epochs': 2, 'optim_wrapper.optimizer.lr': 0.1}


@pytest.fixture(scope='session')
def rounding():
    """By how much figures of one model may differ if clips are computed in other batches."""
    return 1e-3 if torch.cuda.is_available() else 1e-5


@pytest.fixture(scope='session')
def embedded():
    return HESPInferencer()


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


@pytest.fixture(scope='session')
def address(tmp_path_factory):
    """Of the page, as the tool serves it."""
    pytest.importorskip('gradio')
    log = tmp_path_factory.mktemp('demo') / 'log.txt'
    folder = log.parent / 'tmp'
    folder.mkdir()
    environment = os.environ | dict(
        OMP_NUM_THREADS='1', PYTHONWARNINGS='ignore', TMPDIR=str(folder),
        http_proxy='http://127.0.0.1:9', ALL_PROXY='socks5://127.0.0.1:9')  # nobody is there
    with open(log, 'w') as file:
        tool = subprocess.Popen(
            [sys.executable, 'tools/demo.py', '--port', str(free_port())], cwd=ROOT,
            env=environment, stdout=subprocess.PIPE, stderr=file, text=True)
    try:
        line = next((text for text in tool.stdout if text.startswith('Open ')), None)
        assert line is not None, log.read_text()[-3000:]
        yield line.split()[1]
    finally:
        tool.send_signal(signal.SIGTERM)
        tool.wait(60)
    assert list(folder.glob('tmp*')) == []  # no upload is left behind
    assert 'Traceback' not in log.read_text(), log.read_text()[-3000:]
