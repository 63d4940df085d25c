"""What holds for every config of a method: short, explained, different from all others."""
import ast
from pathlib import Path

import pytest
from mmengine.config import Config

CONFIGS = Path(__file__).parents[1] / 'configs'
LEAVES = sorted(CONFIGS.glob('*.py'))


@pytest.mark.parametrize('path', LEAVES, ids=lambda path: path.stem)
def test_a_config_is_short_and_says_first_what_it_is(path):
    lines = path.read_text(encoding='utf-8').splitlines()
    assert len(lines) <= 25 and lines[0].startswith('# ')


def test_the_usual_clip_is_named_once():
    """A config takes it from `_base_`; one of another CLIP names that."""
    found = []
    for path in CONFIGS.rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Constant) and node.value == 'openai':
                found.append(str(path.relative_to(CONFIGS)))
    assert found == ['_base_/models/clip.py']


def test_no_two_configs_are_the_same():
    texts = {path.name: str(Config.fromfile(path).to_dict()) for path in LEAVES}
    assert len(set(texts.values())) == len(texts)
