"""What the checks of README and docs share: pages, their blocks, commands, and settings."""
import argparse
import ast
import contextlib
import copy
import functools
import inspect
import io
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from mmaction.registry import DATASETS, HOOKS, METRICS, MODELS
from mmengine.config import Config

from hesp_mmaction.apis.wiring import VARIABLES, override

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').rglob('*.md'))]
FENCE = re.compile(r'^( *)```(\w*)\n(.*?)^\1```', re.M | re.S)


def name_of(page):
    return str(page.relative_to(ROOT))


def blocks(page):
    """(language, text) of every fenced block, in order."""
    return [(m[2], m[3]) for m in FENCE.finditer(page.read_text(encoding='utf-8'))]


def prose(page):
    """A page without its fenced blocks."""
    return FENCE.sub('', page.read_text(encoding='utf-8'))


def inline_code(page):
    """Texts between backticks, on one line each."""
    return [' '.join(code.split()) for code in re.findall(r'`([^`]+)`', prose(page))]


def commands(block):
    """Commands of a bash block, as lists of words: continued lines joined, comments and
    assignments in front taken off."""
    found = []
    for line in re.sub(r'\\\n', ' ', block).splitlines():
        words = shlex.split(line, comments=True)
        while words and re.fullmatch(r'[A-Z_]+=\S*', words[0]):
            words.pop(0)
        if words:
            found.append([word.replace('REPOSITORY/', '') for word in words])
    return found


class Parsed(BaseException):
    """Stops a tool when its parser has read the command line."""


def parse(tool, words):
    """What a tool's own parser makes of words (Namespace); the tool itself does not run.

    Raises:
        AssertionError: with the parser's message, where it refuses them.
    """
    def stop(parser, args=None, namespace=None):
        raise Parsed(parser, real(parser, args, namespace))

    real, said = argparse.ArgumentParser.parse_args, io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(said):
        patch.setattr(argparse.ArgumentParser, 'parse_args', stop)
        patch.setattr(sys, 'argv', [tool, *words])
        patch.syspath_prepend(str((ROOT / tool).parent))
        try:
            runpy.run_path(str(ROOT / tool), run_name='__main__')
        except Parsed as found:
            return found.args[1]
        except SystemExit:
            pass
    raise AssertionError(f'{tool} {" ".join(words)}: {said.getvalue().splitlines()[-1:]}')


@functools.cache
def flags_of(tool):
    """All flags of a tool (set of str)."""
    def stop(parser, args=None, namespace=None):
        raise Parsed(parser)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, 'parse_args', stop)
        patch.setattr(sys, 'argv', [tool])
        patch.syspath_prepend(str((ROOT / tool).parent))
        try:
            runpy.run_path(str(ROOT / tool), run_name='__main__')
        except Parsed as found:
            return set(found.args[0]._option_string_actions)
    raise AssertionError(f'{tool} has no parser')


@functools.cache
def _config(path):
    return Config.fromfile(ROOT / path)


def config(path):
    """A config of the repository, to be changed."""
    return copy.deepcopy(_config(path))


def _accepted(node):
    """Arguments of the class that a dict of a config names."""
    kind = node.get('type') if isinstance(node, dict) else None
    for registry in (MODELS, DATASETS, HOOKS, METRICS):
        cls = isinstance(kind, str) and registry.get(kind)
        if inspect.isclass(cls):
            return {name for base in cls.__mro__ if '__init__' in vars(base)
                    for name in inspect.signature(base.__init__).parameters}
    return set()


def reachable(cfg, key):
    """Whether a dotted key sets something: an entry that is there, an argument of the class there,
    or a variable that :func:`override` carries."""
    *way, last = key.split('.')
    if way == ['lists']:
        return last in ('train', 'test')
    if not way:
        return last in cfg or last in VARIABLES
    node = cfg
    for part in way:
        node = node.get(part) if isinstance(node, dict) else None
        if node is None:
            return False
    return isinstance(node, dict) and (last in node or last in _accepted(node))


def check_settings(path, options, known=None, split=None):
    """A config and what the command line changes of it."""
    assert (ROOT / path).is_file(), f'there is no {path}'
    cfg = config(path)
    wrong = [key for key in options or {} if not reachable(cfg, key)]
    assert not wrong, f'{path} has no {wrong}'
    override(cfg, options, known, split)


def check_tool(tool, words):
    """A whole command line of a tool: file, flags, configs, settings."""
    assert (ROOT / tool).is_file(), f'there is no {tool}'
    if tool.endswith('.sh'):
        subprocess.run(['bash', '-n', ROOT / tool], check=True)
        behind = dict(dist_train=('train', 2), dist_test=('test', 3), slurm_train=('train', 3))
        if Path(tool).stem in behind:  # their own words, then those of a tool in Python
            name, own = behind[Path(tool).stem]
            assert len(words) >= own
            paths = [w for w in words[:own] if w.endswith(('.py', '.pth'))]
            check_tool(f'tools/{name}.py', [*paths, *words[own:]])
        return
    args = parse(tool, words)
    if tool == 'tools/run_ablation.py':
        assert (ROOT / f'configs/ablations/{args.name}.py').is_file(), args.name
        args.config = f'configs/{args.config}'
    configs = getattr(args, 'configs', None) or [getattr(args, 'config', None)]
    for path in configs:
        if str(path).startswith('configs/'):
            check_settings(path, getattr(args, 'cfg_options', None),
                           getattr(args, 'known', None), getattr(args, 'split', None))


def string_patterns():
    """Regular expressions for all texts that our code can print: f-strings with their holes open,
    and how many letters of each are fixed."""
    found = {}
    for path in [*(ROOT / 'hesp_mmaction').rglob('*.py'), *(ROOT / 'tools').rglob('*.py')]:
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                parts = [node]
            elif isinstance(node, ast.JoinedStr):
                parts = node.values
            else:
                continue
            fixed = [p.value if isinstance(p, ast.Constant) else None for p in parts]
            pattern = ''.join('.+' if part is None else re.escape(part) for part in fixed)
            found[pattern] = sum(len(part) for part in fixed if part)
    return found
