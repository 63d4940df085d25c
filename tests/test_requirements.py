"""The pinned versions in requirements/tested.txt, against what their own metadata say."""
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

TESTED = Path(__file__).parents[1] / 'requirements' / 'tested.txt'
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
