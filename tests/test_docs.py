"""README and docs against the code: every command, setting, link and error message they show, and
the site. Pages that are meant to be followed are followed."""
import ast
import os
import re
import runpy
import shutil
import subprocess
import sys
from contextlib import nullcontext
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from doc_pages import (
    FENCE,
    PAGES,
    ROOT,
    blocks,
    check_tool,
    commands,
    config,
    flags_of,
    inline_code,
    is_printed,
    name_of,
    prose,
    reachable,
)

from hesp_mmaction.datasets.feature_file import Rows, read_features
from hesp_mmaction.datasets.synthetic import layouts

# Programs of a block in bash that are none of ours, or parts of its syntax.
SHELL = {'cd', 'cp', 'mkdir', 'ls', 'for', 'do', 'done', 'if', 'then', 'fi', 'source', 'export',
         'git', 'echo', 'cat', 'docker', 'curl', 'mkdocs', 'pytest', 'ruff', 'mypy', 'tensorboard'}
OURS = re.compile(r'(?:\S*python3? |bash |sbatch )?(tools/\S+\.(?:py|sh))(?: (.*))?')


def python_module(words):
    """`python -m NAME`: found without being imported."""
    import importlib.util
    assert importlib.util.find_spec(words[0]), f'no module {words[0]}'


def pip_install(words):
    """Extras in brackets are those of setup.py; files behind -c and -r are there."""
    text = (ROOT / 'setup.py').read_text(encoding='utf-8')
    for extra in re.findall(r'\.\[([\w,]+)\]', ' '.join(words)):
        for name in extra.split(','):
            assert f"'{name}':" in text, f'setup.py has no extra {name}'
    for flag, file in zip(words, words[1:], strict=False):
        if flag in ('-c', '-r'):
            assert (ROOT / file).is_file(), file


def as_tool(words):
    """`mim train PACKAGE ...` and its like as the command of our tool that they run."""
    kind, package, *words = words[1:]
    assert package == 'hesp_mmaction', package
    if kind == 'run':
        name, *words = words
        found = [str(path.relative_to(ROOT)) for path in (ROOT / 'tools').rglob(f'{name}.py')]
        assert len(found) == 1, f'mim run: {found or name}'
        return found[0], words
    words = [word for i, word in enumerate(words)  # mim's own
             if not {'--gpus', '--launcher', '--checkpoint'} & {word, words[i - 1]}
             or words[i - 1] == '--checkpoint']
    return f'tools/{kind}.py', words


def check(words):
    """One command of a page."""
    if words[0] == 'mim':
        return check_tool(*as_tool(words))
    ours = OURS.fullmatch(' '.join(words))
    if ours:
        check_tool(ours[1], words[words.index(ours[1]) + 1:])
    elif words[0] in ('python', 'python3') and words[1] == '-m':
        python_module(words[2:])
    elif words[0] == 'pip':
        pip_install(words)
    else:
        assert words[0] in SHELL, f'how is {words[0]!r} checked? See SHELL in tests/test_docs.py'


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_every_command_is_one_that_its_tool_accepts(page, monkeypatch):
    for name, module in dict(demo='gradio', deployment='onnxruntime', packaging='build').items():
        if page.stem == name:
            pytest.importorskip(module)  # the tool checks for it before it reads its flags
    # A page may show what needs a package that the tests do not install (W&B).
    monkeypatch.setattr('hesp_mmaction.apis.variables.find_spec', lambda package: package)
    rows = Rows(np.zeros((1, 8, 128)), ('anger',), ('a',))  # nor is a file of features there
    monkeypatch.setattr('hesp_mmaction.apis.feature_wiring.read_features',
                        lambda path: dict(train=rows, test=rows))
    for language, text in blocks(page):
        if language == 'bash':
            for words in commands(text):
                try:
                    check(words)
                except (AssertionError, ValueError) as error:
                    raise AssertionError(f'{name_of(page)}: {" ".join(words)}: {error}') from error


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_tools_configs_and_flags_named_in_the_text_exist(page):
    for code in inline_code(page):
        ours = OURS.fullmatch(code)
        if ours:
            assert (ROOT / ours[1]).is_file(), code
            flags = re.findall(r'(?<!\S)--[\w-]+', ours[2] or '')
            if ours[1].endswith('.py') and flags:
                assert set(flags) <= flags_of(ours[1]), code
        for path in re.findall(r'(?:^|[ (])((?:tools|configs|tests|hesp_mmaction|docs)/[\w/]+'
                               r'\.\w+)', code):
            assert (ROOT / path).exists(), code


def test_settings_named_in_the_text_exist():
    """`model.cls_head.margin_weight=0.1` has to mean something to at least one config."""
    configs = [config(str(path.relative_to(ROOT))) for path in (ROOT / 'configs').glob('*.py')]
    dotted = re.compile(r'((?:model|optim_wrapper|train_cfg|(?:train|test|val)_dataloader|clip|'
                        r'default_hooks|lists)\.[\w.]+)(?:=.*)?')
    lost = []
    for page in PAGES:
        for code in inline_code(page):
            match = dotted.fullmatch(code)
            if match and not any(reachable(cfg, match[1]) for cfg in configs):
                lost.append(f'{name_of(page)}: {code}')
    assert not lost


def test_error_messages_in_the_docs_are_those_of_the_code():
    """A message shown in a block, with whatever fills its holes, is a string of the source."""
    shell = ' '.join(p.read_text(encoding='utf-8') for p in (ROOT / 'tools').rglob('*.sh'))
    shell = re.sub(r'"?\s*\\?\s*\n\s*"', ' ', shell)
    lost, seen = [], 0
    for page in PAGES:
        for _, text in blocks(page):
            for kind, message in re.findall(r'^(error|setup|ImportError): (.*)$', text, re.M):
                seen += 1
                if kind == 'setup':
                    found = message in shell
                else:
                    found = is_printed(message)
                if not found:
                    lost.append(f'{name_of(page)}: {message}')
    assert seen > 40 and not lost


def test_a_message_that_the_code_does_not_have_is_found_out():
    for message in ('give --known or --split', 'fold must be between 1 and 5, not 9',
                    'no task is called x: afew'):
        assert not is_printed(message), message


def anchor(heading):
    """As GitHub and mkdocs make it."""
    return re.sub(r'[\s]+', '-', re.sub(r'[^\w\s-]', '', heading.strip().lower())).strip('-')


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    for target in re.findall(r'\]\(([^)\s]+)\)', prose(page)):
        if re.match(r'\w+:', target):
            continue
        path, _, place = target.partition('#')
        file = page.parent / path if path else page
        assert file.exists(), target
        if place:
            heads = re.findall(r'^#+ (.*)$', FENCE.sub('', file.read_text(encoding='utf-8')), re.M)
            assert place in map(anchor, heads), target


# --------------------------------------------------------------------------------- the site
@pytest.fixture(scope='module')
def site(tmp_path_factory):
    """The built site. MkDocs is strict: a warning is an error."""
    for module in ('material', 'mkdocstrings_handlers.python'):
        pytest.importorskip(module)
    folder = tmp_path_factory.mktemp('site')
    done = subprocess.run(
        [sys.executable, '-m', 'mkdocs', 'build', '--strict', '-d', folder], cwd=ROOT, text=True,
        capture_output=True, env=os.environ | dict(NO_MKDOCS_2_WARNING='1'))
    assert done.returncode == 0 and 'WARNING' not in done.stderr, done.stderr[-3000:]
    return folder


class Loaded(HTMLParser):
    """Collects what a page loads by itself."""

    def __init__(self, text):
        super().__init__()
        self.urls = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag in ('script', 'img', 'iframe', 'source'):
            self.urls.append(attrs.get('src') or '')
        elif tag == 'link' and attrs.get('rel') != 'canonical':
            self.urls.append(attrs.get('href') or '')


@pytest.mark.ci
def test_the_site_builds_without_warnings_and_loads_nothing_from_elsewhere(site):
    pages = list(site.rglob('*.html'))
    assert len(pages) >= len(PAGES)  # without README, with a 404 page
    for page in pages:
        for url in Loaded(page.read_text(encoding='utf-8')).urls:
            assert not re.match(r'(\w+:)?//', url), f'{page.name} loads {url}'
    for sheet in site.rglob('*.css'):
        assert 'url(http' not in sheet.read_text(encoding='utf-8')


@pytest.mark.ci
def test_the_reference_has_every_public_class_and_function(site):
    text = ''.join(p.read_text(encoding='utf-8') for p in (site / 'api').glob('*.html'))
    there, missing = set(re.findall(r'id="(hesp_mmaction[\w.]*)"', text)), []
    for folder in ('apis', 'datasets', 'discovery', 'engine', 'evaluation', 'models',
                   'visualization'):
        for path in (ROOT / 'hesp_mmaction' / folder).rglob('*.py'):
            module = '.'.join(path.relative_to(ROOT).with_suffix('').parts)
            for node in ast.parse(path.read_text(encoding='utf-8')).body:
                if (isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name[0] != '_'
                        and ast.get_docstring(node)
                        and f'{module}.{node.name}'.replace('.__init__', '') not in there):
                    missing.append(f'{module}.{node.name}')
    assert not missing
    # Sections are lists with an item per parameter. Roles of Sphinx would be shown as they are.
    assert 'Args:' not in re.sub('<[^>]*>', '', text)
    assert not set(re.findall(r':(?:class|func|meth|mod|data|attr|obj|exc):<code>[^<]*', text))
    look = text[text.index('id="hesp_mmaction.apis.demo.look"'):]
    for name in ('inferencer', 'path', 'window', 'find_face'):
        assert re.search(rf'<li[^>]*>\s*<b><code>{name}</code>', look[:9000]), name


# --------------------------------------------------------------------- pages that are followed
EMBEDDED = ['clip.arch=small_face_clip', 'clip.pretrained=embedded', 'image_size=96']
ALONE = {tool: [f'{part}_dataloader.{key}' for part in parts
                for key in ('num_workers=0', 'persistent_workers=False')]
         for tool, parts in {'tools/train.py': ('train', 'val', 'test'),
                             'tools/test.py': ('test',)}.items()}


@pytest.fixture
def clone(tmp_path):
    """A folder that looks like a clone of the repository, in which a page can be followed."""
    for name in ('tools', 'configs', 'hesp_mmaction'):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


@pytest.fixture(scope='session')
def drawn(tmp_path_factory):
    """28 drawn clips in AFEW's layout, drawn in this process: one that has decoded cannot fork."""
    folder = tmp_path_factory.mktemp('drawn') / 'clips'
    pool = SimpleNamespace(imap_unordered=lambda job, entries, chunksize: map(job, entries))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layouts, 'worker_pool', lambda workers: nullcontext(pool))
        layouts.write_dataset('afew', folder, per_class=(3, 1))
    return folder


def run_fresh(command, folder):
    """A command in a process of its own; gives what it printed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']])
    env = os.environ | dict(PATH=path, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1')
    done = subprocess.run(command, cwd=folder, text=True, capture_output=True, env=env)
    assert done.returncode == 0, f'{command}\n{done.stdout[-2000:]}{done.stderr[-3000:]}'
    return done.stdout + done.stderr


def run_tool(words, monkeypatch):
    """`python tools/X.py ...` in this process, where everything is imported already."""
    if words[0] in ALONE:
        more = ALONE[words[0]] + ([] if 'synthetic' in words[1] else EMBEDDED)
        more += ['train_cfg.max_epochs=1'] if words[0] == 'tools/train.py' else []
        words = [*words, *([] if '--cfg-options' in words else ['--cfg-options']), *more]
    with monkeypatch.context() as patch:
        patch.setattr(sys, 'argv', words)
        patch.syspath_prepend(str((ROOT / words[0]).parent))
        runpy.run_path(words[0], run_name='__main__')


def follow_quickly(page, drawn, monkeypatch):
    """Every command and snippet of a page, made small: few clips, one epoch."""
    names = {}
    for language, text in blocks(ROOT / page):
        text = re.sub(r'epoch_\d+', 'epoch_1', text)
        if language == 'python':
            exec(compile(text, page, 'exec'), names)
        elif language == 'bash' and 'python tools/' not in text and 'pip install' not in text:
            run_fresh(['bash', '-e', '-c', text], '.')
        elif language == 'bash' and 'pip install' not in text:
            for words in commands(text):
                if 'tools/data/make_synthetic.py' in words:
                    shutil.copytree(drawn, words[words.index('--out') + 1])
                elif words[0] != 'python':
                    run_fresh(['bash', '-e', '-c', ' '.join(words)], '.')
                elif 'tools/data/check_data.py' not in words:  # it forks
                    run_tool(words[1:], monkeypatch)


@pytest.mark.ci
def test_the_tutorial_can_be_followed_and_its_numbers_made_anew(clone, drawn, monkeypatch, capfd):
    monkeypatch.chdir(clone)
    follow_quickly('docs/tutorial.md', drawn, monkeypatch)
    assert 'called unknown' in capfd.readouterr().out
    assert (clone / 'work_dirs/hesp_synthetic_o34/report.html').stat().st_size > 1e5
    follow_quickly('docs/numbers.md', drawn, monkeypatch)
    ours, by_hand, interval = capfd.readouterr().out.splitlines()
    assert [*map(float, ours.split())] == pytest.approx([*map(float, by_hand.split())])
    low, high = ast.literal_eval(interval)
    assert low <= float(ours.split()[1]) / 100 <= high


def test_the_file_of_features_that_a_page_writes_can_be_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, = [text for language, text in blocks(ROOT / 'docs/features.md') if language == 'python']
    exec(compile(code, 'features.md', 'exec'), {})
    assert {part: rows.features.shape for part, rows in read_features('features.npz').items()} == {
        'train': (20, 8, 128), 'test': (20, 8, 128)}


@pytest.mark.ci
def test_ten_clips_become_a_model(clone, drawn, monkeypatch, capfd):
    monkeypatch.chdir(clone)
    follow_quickly('docs/own_data.md', drawn, monkeypatch)
    rows = [line.split() for line in capfd.readouterr().out.splitlines() if 'clips/' in line[:6]]
    assert sorted(row[1] for row in rows) == ['anger', 'happiness', 'sadness', 'surprise']
    assert {row[2] for row in rows} <= {'happiness', 'sadness', 'unknown'}


def outline(text):
    """A text without its numbers and with single spaces."""
    return re.sub(r'\s+', ' ', re.sub(r'-?\d[\d.,]*', '#', text)).strip()


@pytest.mark.slow
@pytest.mark.parametrize('page', ['tutorial', 'own_data'])
def test_a_page_is_followed_to_the_letter_and_prints_what_it_shows(page, clone):
    """Minutes. Of what it shows the words are compared, not the figures."""
    said, pictures = '', 0
    for language, text in blocks(ROOT / f'docs/{page}.md'):
        if language == 'bash' and 'pip install' not in text and 'hesp_afew_o34' not in text:
            said = run_fresh(['bash', '-e', '-c', text], clone)
        elif language == 'python':
            said = run_fresh([sys.executable, '-c', text], clone)
        elif language == 'text' and said:
            pictures += 1
            for line in text.splitlines():
                assert outline(line) in outline(said), line
    assert pictures >= 3


# ------------------------------------------------------- messages that the page led us to
@pytest.mark.parametrize('words, message', [
    (['configs/clip_zeroshot_afew_o34.py'], 'has nothing to train: run it with tools/test.py'),
    (['configs/hesp_synthetic_o34.py', '--cfg-options', 'image_size=224'],
     'CLIP takes frames of 96 x 96 pixels, not 224 x 224')])
def test_what_cannot_be_trained_is_said_in_one_line(words, message, clone, drawn, monkeypatch):
    monkeypatch.chdir(clone)
    (clone / 'data').mkdir()
    (clone / 'data/synthetic').symlink_to(drawn)
    with monkeypatch.context() as patch, pytest.raises(SystemExit, match=message):
        patch.setattr(sys, 'argv', ['tools/train.py', *words])
        runpy.run_path('tools/train.py', run_name='__main__')
