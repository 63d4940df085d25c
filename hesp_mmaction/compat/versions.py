"""Checks of what is installed."""
import importlib.util
from importlib.metadata import PackageNotFoundError, version

from packaging.version import Version

# What has to be importable, and the command that brings it. In this order, because the first
# ones are what the others need. What only some features need is looked for where they begin:
# pkg_resources in apis/configs.py, Haar cascades of OpenCV 4 in datasets/faces.py.
_NEEDED = {
    'torch': 'pip install torch torchvision',
    'torchvision': 'pip install torch torchvision',
    'importlib_metadata': 'pip install importlib-metadata',
    'cv2': 'pip install "opencv-python<5" "opencv-contrib-python<5"',
    'mmengine': 'pip install "mmengine>=0.10.7,<0.11"',
    'mmcv': 'pip install mmcv-lite==2.1.0',
    'mmaction': 'pip install mmaction2==1.2.0',
}

# (name at PyPI, lowest, first too new, remedy). mmaction2's own range for mmcv is an assertion
# that does not say that mmcv-lite serves as well.
_RANGES = [
    ('mmcv', '2.0.0rc4', '2.2.0', 'pip uninstall -y mmcv; pip install mmcv-lite==2.1.0'),
    ('mmcv-lite', '2.0.0rc4', '2.2.0', 'pip install --force-reinstall mmcv-lite==2.1.0'),
    ('mmaction2', '1.2.0', '2', 'pip install mmaction2==1.2.0'),
]


def check_versions():
    """Stop with one sentence and its remedy where an installation cannot work.

    The libraries' own errors for these cases (an assertion, ``operator torchvision::nms does not
    exist``) do not tell what to do. Only what stops the import of MMAction2 itself is looked at.
    The version of OpenCV is not: 4 and 5 both work, from any of its packages.

    Raises:
        ImportError: a module is missing or cannot be imported, or the version of mmcv or mmaction2
            is one that MMAction2 refuses.
    """
    for module, remedy in _NEEDED.items():
        if importlib.util.find_spec(module) is None:
            raise ImportError(f'hesp_mmaction needs the module {module!r}, which is not '
                              f'installed; run: {remedy}')
    for name, lowest, too_new, remedy in _RANGES:
        try:
            found = version(name)
        except PackageNotFoundError:
            continue
        if not Version(lowest) <= Version(found) < Version(too_new):
            raise ImportError(f'hesp_mmaction needs {name}>={lowest},<{too_new}, but {found} is '
                              f'installed; run: {remedy}')
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError, AttributeError) as error:
        raise ImportError(
            f'torchvision does not fit the installed torch ({error}); run: pip install '
            '--upgrade --force-reinstall torch torchvision') from error
    try:
        import cv2  # noqa: F401
    except ImportError as error:  # bare machines lack what its windows are drawn with
        raise ImportError(f'OpenCV cannot be imported ({error}); on Debian and Ubuntu run: '
                          'apt-get install libgl1 libglib2.0-0, or take a build without windows: '
                          'pip uninstall -y opencv-python opencv-contrib-python; '
                          "pip install 'opencv-python-headless<5'") from error
