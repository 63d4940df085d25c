"""An installation that cannot work stops with one sentence and its remedy."""
import importlib.machinery
import importlib.metadata
import sys

import cv2
import pytest

from hesp_mmaction.apis.configs import load_config
from hesp_mmaction.compat import versions
from hesp_mmaction.datasets import faces
from hesp_mmaction.errors import InputError


def test_check_versions_accepts_this_installation():
    versions.check_versions()


@pytest.mark.parametrize('module', list(versions._NEEDED))
def test_missing_module_names_its_remedy(monkeypatch, module):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, 'find_spec',
                        lambda name, *a: None if name == module else real(name, *a))
    with pytest.raises(ImportError, match=f'{module}.*pip install'):
        versions.check_versions()


@pytest.mark.parametrize('name, found', [
    ('mmcv', '2.2.0'), ('mmcv', '1.7.2'), ('mmcv-lite', '2.2.0'), ('mmaction2', '0.24.1')])
def test_version_out_of_range_names_its_remedy(monkeypatch, name, found):
    real = versions.version
    monkeypatch.setattr(versions, 'version', lambda n: found if n == name else real(n))
    with pytest.raises(ImportError, match=f'{name}>=.*{found} is installed; run: pip '):
        versions.check_versions()


@pytest.mark.parametrize('name', ['opencv-python', 'opencv-python-headless'])
def test_opencv_5_is_fine_but_for_haar_cascades(monkeypatch, name):
    real = versions.version
    monkeypatch.setattr(versions, 'version', lambda n: '5.0.0.93' if n == name else real(n))
    versions.check_versions()
    monkeypatch.delattr(cv2, 'CascadeClassifier', raising=False)
    faces._cascade.cache_clear()
    with pytest.raises(InputError, match='no Haar cascades: pip install "opencv-python<5"'):
        faces.load_detector('haar')


@pytest.mark.ci
def test_opencv_5_headless_alone_imports(run_python):
    """As on a server: cv2 of version 5 without Haar cascades, and no other OpenCV package."""
    done = run_python('''
        import importlib.metadata as metadata, cv2
        real = metadata.version
        def version(name):
            if name in ('opencv-python', 'opencv-contrib-python', 'opencv-contrib-python-headless'):
                raise metadata.PackageNotFoundError(name)
            return '5.0.0.93' if name == 'opencv-python-headless' else real(name)
        metadata.version = version
        cv2.__version__ = '5.0.0'
        vars(cv2).pop('CascadeClassifier', None)
        import hesp_mmaction
        from hesp_mmaction.datasets.faces import load_detector
        from hesp_mmaction.errors import InputError
        try:
            load_detector('haar')
        except InputError as error:
            print(error)
        ''')
    assert done.stdout.startswith('OpenCV 5.0.0 has no Haar cascades'), done.stderr[-2000:]


def test_pkg_resources_is_asked_for_by_configs_of_other_packages_alone(monkeypatch, tmp_path):
    """setuptools 81 has it no more; mmengine imports it to find 'mmaction::...'."""
    monkeypatch.setitem(sys.modules, 'pkg_resources', None)  # an import of it fails
    versions.check_versions()
    (tmp_path / 'own.py').write_text('x = 1\n')
    assert load_config(tmp_path / 'own.py').x == 1
    (tmp_path / 'other.py').write_text("_base_ = 'mmaction::_base_/default_runtime.py'\n")
    with pytest.raises(InputError, match=r"other\.py.*pkg_resources.*pip install .setuptools<81"):
        load_config(tmp_path / 'other.py')


def test_full_mmcv_of_the_right_version_is_fine(monkeypatch):
    real = versions.version
    monkeypatch.setattr(versions, 'version', lambda n: '2.1.0' if n == 'mmcv' else real(n))
    versions.check_versions()


@pytest.mark.parametrize('module, error, said', [
    ('torchvision', RuntimeError('operator torchvision::nms does not exist'),
     'torchvision::nms.*pip install'),
    ('cv2', ImportError('libGL.so.1: cannot open shared object file'),
     'libGL.*apt-get install libgl1')])
def test_a_module_that_cannot_be_imported_names_its_remedy(monkeypatch, module, error, said):
    class Broken:
        def find_spec(self, name, path=None, target=None):
            if name == module:
                raise error

    spec = importlib.machinery.ModuleSpec(module, None)
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, 'find_spec',
                        lambda name, *a: spec if name == module else real(name, *a))
    monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(sys, 'meta_path', [Broken(), *sys.meta_path])
    with pytest.raises(ImportError, match=said):
        versions.check_versions()


def test_import_stops_before_mmaction_asserts(run_python, tmp_path):
    """As a user meets it: a too new mmcv, seen when the package is imported."""
    info = tmp_path / 'mmcv-2.2.0.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: mmcv\nVersion: 2.2.0\n')
    done = run_python('import hesp_mmaction', tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith('ImportError: hesp_mmaction needs mmcv>=2.0')
