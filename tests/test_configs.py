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


@pytest.mark.parametrize('name', ['hesp_official_afew_o34', 'hesp_paper_afew_o34'])
def test_presets_have_nothing_that_the_paper_and_its_code_lack(name):
    model = Config.fromfile(CONFIGS / f'{name}.py').model
    assert model.neck.type == 'TemporalMean'
    assert model.cls_head.feature_length is None and model.cls_head.loss_weights.hold == 0
    assert model.cls_head.score_kind in ('prob', 'logit')


@pytest.mark.parametrize('path', LEAVES, ids=lambda path: path.stem)
def test_parts_of_hesp_are_given_to_the_recognizer_that_has_them(path):
    """MMAction2's own tools build a config as it is."""
    model = Config.fromfile(path).model
    if any(model.get(part) for part in ('visual_prompt', 'negatives', 'grad_frames')):
        assert model.type != 'PromptedRecognizer'
