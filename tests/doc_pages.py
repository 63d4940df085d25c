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
from types import SimpleNamespace

import pytest
from mmaction.registry import DATASETS, HOOKS, METRICS, MODELS
from mmengine.config import Config
from mmengine.registry import OPTIM_WRAPPERS

from hesp_mmaction.apis.equal_terms import OVER_TIME
from hesp_mmaction.apis.tasks import choose_data
from hesp_mmaction.apis.variables import VARIABLES
from hesp_mmaction.apis.wiring import override

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
    """Commands of a bash block, as lists of words: continued lines joined, comments, assignments
    in front, and the folder that our tools are in taken off."""
    found = []
    for line in re.sub(r'\\\n', ' ', block).splitlines():
        line = re.sub(r'^[A-Z_]+=\$\(.*\)\S*', '', line)
        words = shlex.split(line, comments=True)
        while words and re.fullmatch(r'[A-Z_]+=\S*', words[0]):
            words.pop(0)
        if words:
            found.append([re.sub(r'^(REPOSITORY|\$[A-Z_]+)/(?=tools|configs)', '', word)
                          for word in words])
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
        # Files that a page names need not be there.
        patch.setitem(sys.modules, '_first_look', SimpleNamespace(first_look=lambda *a, **k: None))
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
def config(path):
    """A config of the repository."""
    return Config.fromfile(ROOT / path)


def _accepted(node):
    """Arguments of the class that a dict of a config names."""
    kind = node.get('type') if isinstance(node, dict) else None
    for registry in (MODELS, DATASETS, HOOKS, METRICS, OPTIM_WRAPPERS):
        cls = isinstance(kind, str) and registry.get(kind)
        if inspect.isclass(cls):
            return {name for base in cls.__mro__ if '__init__' in vars(base)
                    for name in inspect.signature(base.__init__).parameters}
    return set()


def reachable(cfg, key):
    """Whether a dotted key sets something: an entry that is there, an argument of the class there,
    or a variable that ``override`` carries."""
    *way, last = key.split('.')
    if way == ['lists']:
        return last in ('train', 'test')
    node = cfg._cfg_dict
    for part in way:
        node = node.get(part) if isinstance(node, dict) else None
    if isinstance(node, dict) and (last in node or last in _accepted(node)):
        return True
    # A variable, an argument of CLIP's towers or of a neck over frames, the rate of a group, and an
    # argument of the wrapper that --amp puts there.
    return (not way and last in {*VARIABLES, 'emotions'}
            or way == ['clip'] and last in _accepted(dict(type='CLIPImageTower'))
            or way == ['neck'] and any(last == 'type' or last in _accepted(dict(type=name))
                                       for name in OVER_TIME)
            or way[:3] == ['optim_wrapper', 'paramwise_cfg', 'custom_keys'] and last == 'lr_mult'
            or way == ['optim_wrapper'] and last in _accepted(dict(type='AmpOptimWrapper')))


def check_settings(paths, args):
    """Configs, and what the command line changes of them. With several, a setting need not mean
    something to all of them: there are none of training for zero-shot CLIP."""
    options = getattr(args, 'cfg_options', None) or {}
    for path in paths:
        assert (ROOT / path).is_file(), f'there is no {path}'
    wrong = [key for key in options if not any(reachable(config(path), key) for path in paths)]
    assert not wrong, f'{", ".join(paths)}: no {wrong}'
    if len(paths) == 1:
        cfg = copy.deepcopy(config(paths[0]))
        if hasattr(args, 'splits'):  # of a tool that runs several
            override(cfg, options)
        else:
            choose_data(cfg, options, getattr(args, 'task', None), getattr(args, 'openness', None),
                        getattr(args, 'split', None), getattr(args, 'known', None))


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
        ablation = ROOT / f'configs/ablations/{args.name}.py'
        assert ablation.is_file(), args.name
        named = Config.fromfile(ablation).get('config', 'hesp_afew_o34.py')
        args.config = f'configs/{args.config or named}'
    paths = getattr(args, 'configs', None) or [str(getattr(args, 'config', None))]
    # A name alone is one of ours (or, as my_method.py, the reader's).
    paths = [path if '/' in path else f'configs/{path}' for path in paths if path.endswith('.py')]
    paths = [path for path in paths if re.match('configs/(?!my_)', path)]
    if paths:
        check_settings(paths, args)


def _pieces(node):
    """A string's fixed parts (str) and holes (None); [] of what is no string."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.JoinedStr):
        return [_pieces(part)[0] if isinstance(part, ast.Constant) else None
                for part in node.values]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _pieces(node.left), _pieces(node.right)
        return (left or [None]) + (right or [None]) if left or right else []
    return []


@functools.cache
def _strings():
    """Pieces (tuple) of all strings of our code."""
    return {tuple(_pieces(node))
            for folder in ('hesp_mmaction', 'tools') for path in (ROOT / folder).rglob('*.py')
            for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
            if isinstance(node, (ast.Constant, ast.JoinedStr, ast.BinOp))}


def is_printed(message, least=8):
    """Whether our code has that text, with something in the holes of its f-strings.

    Args:
        message (str). least (int): a string with fewer fixed letters says nothing.
    """
    for pieces in _strings():
        fixed = [piece for piece in pieces if piece]
        if sum(map(len, fixed)) >= least and all(piece in message for piece in fixed):
            pattern = ''.join('.+' if p is None else re.escape(p) for p in pieces)
            if re.fullmatch(pattern, message, re.S):
                return True
    return False
