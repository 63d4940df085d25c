"""What holds for every file of the package: its size, what it imports, whose inside it touches."""
import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / 'hesp_mmaction'


# Private names of libraries that have no public way to the same; all are of objects of the library.
FORCED = {
    'apis.protocol': {'_iterator', '_shutdown_workers'},  # torch: end workers that would be kept
    'engine.hooks.averaged': {'_swap_ema_parameters'},  # mmengine's EMAHook: weights for a moment
    'engine.hooks.curves_hook': {'_vis_backends'},  # mmengine's Visualizer: which ones a run has
    'engine.hooks.open_set_hook': {'_resume', '_train_loop'},  # mmengine's Runner: does it go on?
    'engine.hooks.preemption_hook': {'_resume'},
    'engine.hooks.weight_patch_hook': {'_resume'},
    # mmengine's loops: their length with another loader
    'engine.hooks.pseudo_label_hook': {'_max_iters', '_iter', '_epoch'},
    # open_clip's towers: the steps of their forward, with a prompt or a map between them
    'models.backbones.clip_image_tower': {'_embeds', '_pool'},
    'models.backbones.temporal_view_tower': {'_embeds', '_pool'},
    'models.backbones.vpt_tower': {'_embeds', '_pool'},
    # torch: whether a tensor was written to, without a look at its values
    'models.eval_cache': {'_version'},
    'models.norms': {'_NormBase'},  # torch: the base of batch, synchronised and instance norms
    'models.prompts.visual': {'_version'},
}
# Documented, whatever their names begin with: of os, and of every named tuple.
PUBLIC = {'_exit', '_replace', '_asdict', '_fields'}


def name_of(path):
    """The dotted name of a file of the package."""
    parts = path.relative_to(PACKAGE.parent).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


PATHS = {name_of(path): path for path in sorted(PACKAGE.rglob('*.py'))}
TREES = {name: ast.parse(path.read_text(encoding='utf-8')) for name, path in PATHS.items()}


def imported(name, tree, path):
    """Modules of the package (set of str) that a module imports when it is imported itself."""
    found = set()
    for node in at_import(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = name.split('.') if path.name == '__init__.py' else name.split('.')[:-1]
            base = package[:len(package) - node.level + 1] if node.level else []
            source = '.'.join(base + (node.module or '').split('.')).strip('.')
            for alias in node.names:
                whole = f'{source}.{alias.name}'
                found.add(whole if whole in PATHS else source)
    return found & set(PATHS)


def at_import(tree):
    """The nodes of a module that run when it is imported: all but the insides of functions."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield node
            yield from at_import(node)


def cycle(graph):
    """A cycle of a graph (list of str), its first node again at the end; empty if there is none."""
    done = set()

    def visit(node, way):
        if node in way:
            return [*way[way.index(node):], node]
        if node in done:
            return []
        for other in sorted(graph[node]):
            found = visit(other, [*way, node])
            if found:
                return found
        done.add(node)
        return []

    return next(filter(None, (visit(node, []) for node in sorted(graph))), [])


def test_no_module_imports_itself_through_others():
    graph = {name: imported(name, tree, PATHS[name]) for name, tree in TREES.items()}
    assert cycle(graph) == []
    assert cycle(dict(a={'b'}, b={'c'}, c={'a'})) == ['a', 'b', 'c', 'a']
    assert 'hesp_mmaction.errors' in graph['hesp_mmaction.datasets.sheets']
    assert 'hesp_mmaction.compat.mends' in graph['hesp_mmaction.compat']


def test_no_file_has_over_250_lines():
    lines = {name: len(path.read_text(encoding='utf-8').splitlines())
             for name, path in PATHS.items()}
    long = {name.partition('.')[2] for name, count in lines.items() if count > 250}
    assert not long


def private_names(tree):
    """Private attributes (set of str) of objects of others that a module touches or imports.

    Its own objects are ``self``, ``cls``, ``super()`` and the classes that it defines.
    """
    classes = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    own = {'self', 'cls', 'super()', *classes}
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) not in own:
            found.add(node.attr)
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.name for alias in node.names}
        elif (isinstance(node, ast.Call) and len(node.args) > 1
              and ast.unparse(node.func) in ('getattr', 'hasattr', 'setattr', 'delattr')
              and ast.unparse(node.args[0]) not in own and isinstance(node.args[1], ast.Constant)):
            found.add(node.args[1].value)
    return {name for name in found if name.startswith('_') and not name.endswith('__')}


def test_no_module_touches_the_inside_of_another_one():
    """But for what a library forces; what is listed above and not there any more is a mistake."""
    found = {name.partition('.')[2]: private_names(tree) - PUBLIC for name, tree in TREES.items()}
    assert {name: inside for name, inside in found.items() if inside} == FORCED


def test_private_names_are_seen():
    code = """
from .other import _function
class Own:
    _part = 1
    def method(self, other):
        self._fine, Own._part, super()._fine, other.__class__, other.public
        return other._inside + getattr(other, '_named', 0)
"""
    assert private_names(ast.parse(code)) == {'_function', '_inside', '_named'}
