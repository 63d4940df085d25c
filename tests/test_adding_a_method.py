"""docs/adding_a_method.md, followed to the letter."""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / 'docs/adding_a_method.md').read_text(encoding='utf-8')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A folder outside the repository with the files of the page."""
    folder = tmp_path_factory.mktemp('mine')
    for block in re.findall(r'```python\n(.*?)```', PAGE, re.S):
        name = re.match(r'# (\S+)\n', block).group(1)
        (folder / name).write_text(block.replace('CONFIGS/', f'{ROOT}/configs/'))
    return folder


def follow(command, folder, options):
    """Run a command of the page with options that make it small."""
    words = command.replace('\\\n', ' ').replace('REPOSITORY', str(ROOT)).split()
    assert words[:2] == ['PYTHONPATH=.', 'python']
    changes = [f'{key}={value}' for key, value in options.items()]
    done = subprocess.run([sys.executable, *words[2:], '--cfg-options', *changes], cwd=folder,
                          env=dict(os.environ, PYTHONPATH=f'.{os.pathsep}{ROOT}'), text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_the_page_imports_from_no_other_method(folder):
    """What a method needs of this package is in files that are named after no method."""
    modules = re.findall(r'from hesp_mmaction\.(\S+) import', (folder / 'my_method.py').read_text())
    assert set(modules) == {'models.clip', 'models.heads', 'models.losses'}


@pytest.mark.slow  # .ci/run runs it all the same
def test_the_page_works_as_written(folder, tiny_options):
    assert {path.name for path in folder.iterdir()} == {'my_method.py', 'my_method_afew_o34.py'}
    commands = re.search(r'```bash\n(.*?)```', PAGE, re.S).group(1)
    train, protocol = re.findall(r'PYTHONPATH=\..*?[^\\](?=\n)', commands, re.S)
    follow(train, folder, tiny_options)
    work_dir = folder / 'work_dirs/my_method_afew_o34'
    found = json.loads((work_dir / 'metrics.json').read_text())
    assert 0 <= found['OSCR'] <= found['ACC'] <= 100 and found['threshold'] == found['threshold']
    checkpoint = torch.load(work_dir / 'epoch_1.pth', weights_only=False)
    assert set(checkpoint['state_dict']) == {'cls_head.prototypes', 'cls_head.temperature',
                                             'cls_head.threshold'}
    text = follow(f'{protocol} --splits 0', folder, tiny_options)
    assert '| my_method_afew_o34' in text and '| hesp_afew_o34' in text
