"""What setup.py requires, against what is imported; the pinned versions, against their metadata."""
import ast
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
TESTED = ROOT / 'requirements' / 'tested.txt'
# Packages whose modules are called otherwise.
PACKAGES = dict(PIL='pillow', cv2='opencv-python', facenet_pytorch='facenet-pytorch',
                griffe='mkdocstrings', mmaction='mmaction2', mmcv='mmcv-lite',
                open_clip='open_clip_torch', sklearn='scikit-learn', yaml='pyyaml')
# Imported by other packages, which do not say so, or limited for them: see setup.py.
FOR_OTHERS = {'importlib-metadata', 'opencv-contrib-python', 'setuptools'}
BY_HAND = {'facenet-pytorch'}  # see the extra `faces`
# The first release of each Python, and what Debian 12 and Ubuntu 22.04 and 24.04 have.
PYTHONS = ['3.10.0', '3.10.12', '3.11.0', '3.11.2', '3.12.0', '3.12.3', '3.13.0']


def in_force(requirement, python):
    version = {'python_full_version': python, 'python_version': python.rpartition('.')[0]}
    return requirement.marker is None or requirement.marker.evaluate(version)


@pytest.mark.parametrize('python', PYTHONS)
def test_a_package_is_pinned_where_it_can_be_installed_and_nowhere_else(python):
    """Else pip finds no version at all, or another one than was tested."""
    lines = TESTED.read_text('utf-8').splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith('#')]
    pinned = {requirement.name for requirement in requirements if in_force(requirement, python)}
    compared, wrong = 0, []
    for requirement in requirements:
        try:
            found = metadata(requirement.name)
        except PackageNotFoundError:
            continue
        if requirement.specifier != SpecifierSet(f'=={found["Version"]}'):
            continue  # what is installed says nothing about the pinned version
        compared += 1
        allowed = SpecifierSet(found.get('Requires-Python', '')).contains(python)
        if not allowed and in_force(requirement, python):
            wrong.append(f'{requirement} cannot be installed')
        elif allowed and requirement.name not in pinned:
            wrong.append(f'{requirement} could be installed')
    assert compared and not wrong


def imported(folder):
    """Packages (set of str) that the files of a folder import, at their beginning or later."""
    found, own = set(), {path.stem for path in folder.rglob('*.py')} | {'hesp_mmaction'}
    for path in folder.rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text('utf-8'))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split('.')[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(node.module.split('.')[0])
    return {PACKAGES.get(name, name) for name in found - own - set(sys.stdlib_module_names)}


def required():
    """Names in REQUIRES of setup.py, and those in all its EXTRAS (two sets of str)."""
    tree = ast.parse((ROOT / 'setup.py').read_text('utf-8'))
    lists = {node.targets[0].id: ast.literal_eval(node.value) for node in tree.body
             if isinstance(node, ast.Assign) and node.targets[0].id in ('REQUIRES', 'EXTRAS')}
    extras = [line for lines in lists['EXTRAS'].values() for line in lines]
    return [{Requirement(line).name for line in lines} for lines in (lists['REQUIRES'], extras)]


def test_what_is_imported_is_required_and_the_other_way_round():
    packages, tools = imported(ROOT / 'hesp_mmaction'), imported(ROOT / 'tools')
    always, extras = required()
    assert (packages | tools) - always - extras == BY_HAND
    assert always - packages - tools == FOR_OTHERS
