"""What holds for every file in tools/: where it is, where it begins, and what it imports."""
import ast
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[1] / 'tools'
# Not tools themselves, but what tools of one folder share.
SHARED = {'_demo_groups.py', '_first_look.py', 'benchmark/common.py', 'benchmark/films.py'}
PATHS = sorted(str(path.relative_to(TOOLS)) for path in TOOLS.rglob('*.py'))


def tree(path):
    return ast.parse((TOOLS / path).read_text(encoding='utf-8'))


def imported(path):
    """Modules (set of str) that a file imports."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
    return found


def test_what_users_call_is_at_the_top():
    assert {path.name for path in TOOLS.iterdir() if path.is_file()} == {
        '_demo_groups.py', '_first_look.py', 'demo.py', 'discover.py', 'dist_env.sh',
        'dist_test.sh', 'dist_train.sh', 'infer.py', 'quickstart.sh', 'run_ablation.py',
        'run_growth.py', 'run_protocol.py', 'run_splits.py', 'run_tests.sh', 'setup_env.sh',
        'slurm_train.sh', 'test.py', 'train.py'}


@pytest.mark.parametrize('path', [path for path in PATHS if path not in SHARED])
def test_a_tool_begins_in_main(path):
    *_, last = tree(path).body
    assert isinstance(last, ast.If) and '__main__' in ast.unparse(last.test)
    assert ast.unparse(last.body[-1]) in ('run_tool(main)', 'main()')
    assert any(isinstance(node, ast.FunctionDef) and node.name == 'main'
               for node in tree(path).body)


@pytest.mark.parametrize('path', PATHS)
def test_no_tool_imports_a_tool(path):
    text = (TOOLS / path).read_text(encoding='utf-8')
    assert 'sys.path' not in text
    assert not imported(path) & {Path(other).stem for other in PATHS if other not in SHARED}
