"""The pinned versions in requirements/tested.txt, against what their own metadata say."""
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

TESTED = Path(__file__).parents[1] / 'requirements' / 'tested.txt'
# The first release of each Python, and what Debian 12 and Ubuntu 22.04 and 24.04 have.
PYTHONS = ['3.10.0', '3.10.12', '3.11.0', '3.11.2', '3.12.0', '3.12.3', '3.13.0']


def pins():
    """(requirement, its Python versions) of every pin that is installed in just that version."""
    for line in TESTED.read_text('utf-8').splitlines():
        if not line or line.startswith('#'):
            continue
        requirement = Requirement(line)
        try:
            found = metadata(requirement.name)
        except PackageNotFoundError:
            continue
        if requirement.specifier == SpecifierSet(f'=={found["Version"]}'):
            yield requirement, SpecifierSet(found['Requires-Python'] or '')


@pytest.mark.parametrize('python', PYTHONS)
def test_a_pin_is_in_force_where_its_package_can_be_installed_and_nowhere_else(python):
    """Else pip finds no version at all, or another one than was tested."""
    environment = {'python_full_version': python, 'python_version': python.rpartition('.')[0]}
    compared = list(pins())
    assert compared
    wrong = [f'{requirement}: needs Python {allowed}' for requirement, allowed in compared
             if (requirement.marker is None or requirement.marker.evaluate(environment))
             != allowed.contains(python)]
    assert not wrong
