"""What a user gets who installs the wheel: built, opened, installed elsewhere, and used."""
import email
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # .ci/run runs them all the same
ROOT = Path(__file__).parents[1]
ENV = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'} | dict(
    OMP_NUM_THREADS='1', PYTHONWARNINGS='ignore',
    PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']]))
# In a clone only: they install what the wheel has installed already.
CLONE_ONLY = ('tools/dev/', 'tools/run_tests.sh', 'tools/setup_env.sh')


def call(*command, cwd):
    result = subprocess.run(list(map(str, command)), cwd=cwd, env=ENV, text=True,
                            capture_output=True)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return result.stdout


@pytest.fixture(scope='module')
def checked(tmp_path_factory):
    """The folder of check_wheel.sh: dist/, env/ with the wheel, elsewhere/ with its runs."""
    pytest.importorskip('build')
    folder = tmp_path_factory.mktemp('wheel')
    said = call('bash', ROOT / 'tools/dev/check_wheel.sh', folder, cwd=folder)
    assert 'check_wheel: fine' in said
    return folder


@pytest.fixture(scope='module')
def wheel(checked):
    path, = (checked / 'dist').glob('*.whl')
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def sources(*folders):
    """Files of the repository below folders, as git would list them."""
    return {path.relative_to(ROOT).as_posix() for folder in folders
            for path in (ROOT / folder).rglob('*')
            if path.is_file() and '__pycache__' not in path.parts and '.mim' not in path.parts}


def test_the_wheel_holds_the_package_and_its_configs_and_tools_and_nothing_else(wheel):
    package = sources('hesp_mmaction')
    mim = {name for name in sources('configs', 'tools') | {'model-index.yml'}
           if not name.startswith(CLONE_ONLY)}
    expected = package | {f'hesp_mmaction/.mim/{name}' for name in mim}
    found = {name for name in wheel if '.dist-info/' not in name}
    assert found == expected
    for name in expected:
        source = ROOT / name.replace('hesp_mmaction/.mim/', '')
        assert wheel[name] == source.read_bytes(), name


def test_metadata(wheel):
    text, = (text for name, text in wheel.items() if name.endswith('.dist-info/METADATA'))
    found = email.message_from_bytes(text)
    assert found['Name'] == 'hesp-mmaction' and found['Requires-Python'] == '>=3.10'
    assert found['License-Expression'] == 'Apache-2.0' and found['License-File'] == 'LICENSE'
    assert found['Description-Content-Type'] == 'text/markdown'
    assert found.get_payload(decode=True).decode() == (ROOT / 'README.md').read_text()
    needs = found.get_all('Requires-Dist')
    assert 'torch>=2.6' in needs and not [n for n in needs if 'mim' in n or n.startswith('mmcv>')]
    assert {'lite', 'tensorboard', 'dev'} <= set(found.get_all('Provides-Extra'))
    top, = (text for name, text in wheel.items() if name.endswith('top_level.txt'))
    assert top.decode().split() == ['hesp_mmaction']  # where mim looks


def test_the_sdist_has_what_a_build_needs_and_no_more(checked):
    path, = (checked / 'dist').glob('*.tar.gz')
    with tarfile.open(path) as file:
        names = {member.name.partition('/')[2] for member in file if member.isfile()}
    made = {'PKG-INFO', 'setup.cfg'} | {name for name in names if '.egg-info/' in name}
    assert names - made == sources('hesp_mmaction', 'configs', 'tools', 'requirements') | {
        'CHANGELOG.md', 'LICENSE', 'MANIFEST.in', 'README.md', 'model-index.yml', 'pyproject.toml',
        'setup.py'}


@pytest.fixture
def clone(tmp_path):
    """A copy of the repository, to build in."""
    folder = tmp_path / 'clone'
    for name in sources('hesp_mmaction', 'configs', 'tools') | {
            'setup.py', 'pyproject.toml', 'README.md', 'LICENSE', 'MANIFEST.in', 'model-index.yml'}:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def build_wheel(folder, out):
    """Names and contents of the wheel that a source tree builds by itself."""
    call(sys.executable, '-m', 'build', '--no-isolation', '--wheel', '--outdir', out, folder,
         cwd=out)
    path, = out.glob('*.whl')
    with zipfile.ZipFile(path) as file:
        return [(name, hashlib.sha256(file.read(name)).digest()) for name in file.namelist()]


def test_the_source_tree_builds_the_wheel_that_the_sdist_built(wheel, clone, tmp_path):
    expected = [(name, hashlib.sha256(text).digest()) for name, text in wheel.items()]
    assert sorted(build_wheel(clone, tmp_path)) == sorted(expected)


def test_mim_trains_tests_and_runs_the_installed_package(checked):
    pytest.importorskip('mim')
    python, elsewhere = checked / 'env/bin/python', checked / 'elsewhere'

    def mim(*arguments):
        return call(python, '-m', 'mim', *arguments, cwd=elsewhere)

    said = mim('train', 'hesp_mmaction', 'hesp_synthetic_o34.py', '--work-dir', 'mim',
               '--cfg-options', 'train_cfg.max_epochs=1')
    assert str(checked / 'env') in said and 'Training finished successfully' in said
    mim('test', 'hesp_mmaction', 'hesp_synthetic_o34.py', '--checkpoint', 'mim/epoch_1.pth',
        '--work-dir', 'mim_test')
    ours, trained, tested = (json.loads((elsewhere / name / 'metrics.json').read_text())
                             for name in ('train', 'mim', 'mim_test'))
    assert ours == trained and ours['OSCR'] == tested['OSCR']
    said = mim('run', 'hesp_mmaction', 'rescore', 'mim_test/predictions.npz')
    assert 'hesp_centred' in said
    assert 'known=' in mim('run', 'hesp_mmaction', 'analysis:print_config', 'hesp_mafw_o56.py')


def test_an_editable_install_links_configs_and_tools(checked, clone, tmp_path):
    pytest.importorskip('mim')
    env = tmp_path / 'env'
    call(sys.executable, '-m', 'venv', '--without-pip', env, cwd=tmp_path)
    site, = (env / 'lib').glob('python*/site-packages')
    other, = (checked / 'env/lib').glob('python*/site-packages')
    shutil.copy(other / 'borrowed.pth', site)
    call(sys.executable, 'setup.py', 'egg_info', cwd=clone)  # pip does it where it may download
    call(sys.executable, '-m', 'pip', '--python', env / 'bin/python', 'install', '--no-deps',
         '--no-build-isolation', '--editable', clone, cwd=tmp_path)
    for name in ('configs', 'tools', 'model-index.yml'):
        assert (clone / 'hesp_mmaction/.mim' / name).resolve() == clone / name
    for _ in range(2):  # also when it is there already
        said = call(env / 'bin/python', '-m', 'mim', 'run', 'hesp_mmaction', 'print_config',
                    'hesp_afew_o34.py', cwd=clone)
    assert str(clone / 'hesp_mmaction/.mim/tools/analysis/print_config.py') in said
    names = [name for name, _ in build_wheel(clone, tmp_path)]  # copies, none of them twice
    assert names.count('hesp_mmaction/.mim/model-index.yml') == 1
    assert 'hesp_mmaction/.mim/configs/hesp_afew_o34.py' in names
