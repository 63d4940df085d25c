"""Packaging of hesp_mmaction; tool settings are in pyproject.toml."""
import os
import shutil
from pathlib import Path
from runpy import run_path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
README = ROOT / 'README.md'
# What travels in hesp_mmaction/.mim, where OpenMMLab's `mim` and our own tools look for it.
MIM = ('configs', 'tools', 'model-index.yml')
CLONE_ONLY = ('dev', 'run_tests.sh', 'setup_env.sh')

# Not here on purpose: mmcv and mmcv-lite. They own the same folder, and PyPI's mmcv does not
# build against current torch, so each user chooses: `pip install hesp-mmaction[lite]`, or a full
# mmcv>=2.0.0rc4,<2.2.0 of their own.
# Beside what is imported here, only what other packages import without saying so.
REQUIRES = [
    'torch>=2.6',  # torch.serialization.safe_globals with renamed functions
    'torchvision>=0.21',
    'mmengine>=0.10.7,<0.11',
    'mmaction2==1.2.0',
    'open_clip_torch>=3.0,<4',  # below 4, because private parts of its towers are called
    'av>=15,<19',  # 19 needs a newer Python than 3.11
    'scikit-learn>=1.3',
    # mmengine asks for the one and mmaction2 for the other, both without a limit; OpenCV 5 has
    # no Haar cascades (prepare_faces.py, infer.py --face). Both write the same folder, so they
    # should have the same version.
    'opencv-python>=4.8,<5',
    'opencv-contrib-python>=4.8,<5',
    'importlib-metadata',  # mmaction2 imports it without declaring it
    'setuptools>=77.0.3,<81',  # mmengine imports pkg_resources, gone in newer ones
    'matplotlib',
    'numpy',
    'packaging',
    'pillow',
    'pyyaml',
    'safetensors',
    'scipy>=1.11',  # savgol_filter with an even window
    'tqdm',
]

EXTRAS = {
    'lite': ['mmcv-lite==2.1.0'],
    # What facenet-pytorch needs beside the above. Its own pins are stale, so the package itself
    # is installed by hand: `pip install --no-deps facenet-pytorch==2.6.0`.
    'faces': ['requests'],
    'crosscheck': ['osr-metrics>=0.5', 'pytorch-ood>=0.4'],  # tests/evaluation/test_crosscheck.py
    'demo': ['gradio>=6'],
    'docs': ['mkdocs-material', 'mkdocstrings[python]'],
    # tools/deployment; the files have IR version 10, which older ones do not read.
    'onnx': ['onnx', 'onnxruntime>=1.18.1', 'onnxscript'],
    'slurm': ['submitit'],  # tools/run_protocol.py --cluster slurm
    'tensorboard': ['tensorboard'],
    # MAFW's labels as Excel sheets; its list files need no package.
    'xlsx': ['openpyxl'],
    'dev': ['build', 'gradio>=6', 'mkdocs-material', 'mkdocstrings[python]', 'mypy', 'onnx',
            'onnxruntime>=1.18.1', 'onnxscript', 'openpyxl', 'playwright', 'pre-commit', 'pytest',
            'pytest-cov', 'ruff', 'submitit', 'tensorboard'],
}



class BuildWithMim(build_py):
    """Puts configs and tools into the package: as copies, or as links where it is editable."""

    def run(self):
        super().run()
        folder = (ROOT if self.editable_mode else Path(self.build_lib)) / 'hesp_mmaction/.mim'
        shutil.rmtree(folder, ignore_errors=True)  # of an earlier build
        folder.mkdir(parents=True)
        for name in MIM:
            if self.editable_mode:
                os.symlink(Path('..', '..', name), folder / name)
            elif (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(
                    '__pycache__', '*.pyc', '.*', *CLONE_ONLY))
            else:
                shutil.copy(ROOT / name, folder)


setup(
    name='hesp-mmaction',
    version=run_path(str(ROOT / 'hesp_mmaction' / 'version.py'))['__version__'],
    description='Open-set video facial expression recognition (HESP) for MMAction2',
    long_description=README.read_text('utf-8') if README.exists() else '',
    long_description_content_type='text/markdown',
    license_expression='Apache-2.0',
    license_files=['LICENSE'],
    python_requires='>=3.10',
    packages=find_packages(include=['hesp_mmaction', 'hesp_mmaction.*']),
    package_data={'hesp_mmaction': ['py.typed'] + [
        f'**/*.{e}' for e in ('json', 'safetensors', 'yaml', 'txt')]},
    exclude_package_data={'hesp_mmaction': ['.mim/**']},  # the links of an editable install
    cmdclass=dict(build_py=BuildWithMim),
    install_requires=REQUIRES,
    extras_require=EXTRAS,
    classifiers=[
        'Development Status :: 4 - Beta',
        'Intended Audience :: Science/Research',
        'Operating System :: POSIX :: Linux',  # worker processes are forked
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Programming Language :: Python :: 3.13',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
)
