"""The demo page's tab of groups: what it is made of, and the tab itself in headless Chromium."""
import io
import os
import shutil
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from hesp_mmaction.apis import HESPInferencer, demo, demo_groups
from hesp_mmaction.apis.demo_groups import (
    Grouped,
    GroupFinder,
    decided_text,
    read_train_features,
)
from hesp_mmaction.apis.group_files import accepted, read_groups
from hesp_mmaction.apis.protocol import run_split
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation.groups import MOST_GROUPS, Group
from hesp_mmaction.visualization.group_cards import card, summary

CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser')
QUIET = ('--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking',
         '--disable-component-update', '--disable-sync')
ROOT = Path(__file__).parents[2]
KNOWN = ['happiness', 'sadness']
LEXICON = dict(fearful='fear', surprised='surprise', proud='proud', furious='anger',
               scornful='contempt', disgusted='disgust')


def group(clips, *words):
    return Group(np.array(clips), np.linspace(1, 0, len(clips)),
                 [(word, .5 - i / 10) for i, word in enumerate(words)],
                 demo_groups.emotion_of(LEXICON[words[0]]))


@pytest.fixture
def grouped():
    paths = [f'/clips/{name}.avi' for name in 'abcdefg']
    return Grouped([group([0, 2, 4], 'fearful', 'surprised'), group([1, 3], 'proud', 'furious'),
                    group([5, 6], 'scornful', 'disgusted')], paths, 9, [], LEXICON)


# What is decided

def test_decisions_are_read_back_by_the_tool(grouped, tmp_path):
    path = tmp_path / 'groups.txt'
    path.write_text(decided_text(grouped, ['Pride', None, 'Disgusted'],
                                 KNOWN))
    groups = read_groups(path)
    assert [groups[i].action for i in (1, 2, 3)] == ['accept', 'drop', 'accept']
    assert groups[1].clips == ['/clips/a.avi', '/clips/c.avi', '/clips/e.avi']
    assert accepted(groups, KNOWN, path) == dict(
        pride=['/clips/a.avi', '/clips/c.avi', '/clips/e.avi'],
        disgust=['/clips/f.avi', '/clips/g.avi'])


def test_groups_of_one_emotion_are_merged(grouped, tmp_path):
    path = tmp_path / 'groups.txt'
    path.write_text(decided_text(grouped, ['anger', 'angry', 'anger'], KNOWN, list('abcdefg')))
    groups = read_groups(path)
    assert [(groups[i].action, groups[i].value) for i in (1, 2, 3)] == [
        ('accept', 'anger'), ('merge', '1'), ('merge', '1')]
    assert sorted(accepted(groups, KNOWN, path)['anger']) == list('abcdefg')


@pytest.mark.parametrize('name, message', [
    ('happy', 'Group 2: happiness is known already'),
    ('angre', "'angre' is no emotion: did you mean")])
def test_a_name_that_cannot_be_learned_is_refused(grouped, name, message):
    with pytest.raises(InputError, match=message):
        decided_text(grouped, ['fear', name, None], KNOWN)


def test_suggestions_begin_with_the_groups_own_name(grouped):
    assert grouped.suggestions(0) == ['fear', 'surprise']
    assert grouped.suggestions(1) == ['anger']  # proud is no emotion that can be learned
    grouped.groups[0].name = 'surprise'  # another group has fear
    assert grouped.suggestions(0) == ['surprise', 'fear']


# What is grouped

@pytest.fixture
def finder(tmp_path, write_clip, monkeypatch):
    """Of a model that calls dark clips known; the features of light ones are two directions."""
    def preprocess(clips):
        for clip in clips:
            clip.check()
            data = None if clip.problem else clip.frames[0].mean()
            yield [(dict(file=clip.name, error=clip.problem), data)]

    def test_step(batch):
        directions = dict(zip((100, 140, 180, 220), np.eye(4) + .01, strict=True))
        samples = []
        for value in batch:
            near = min(directions, key=lambda v: abs(v - value))
            noise = .05 * np.random.default_rng(int(10 * value)).normal(size=4)
            samples.append(SimpleNamespace(
                pred_emotion='happiness' if value < 60 else 'unknown',
                pred_feature=torch.tensor(directions[near] + noise)))
        return samples

    for i, value in enumerate((20, 30, 98, 100, 102, 104, 178, 180, 182)):
        write_clip(tmp_path / f'{i}.avi', np.full((4, 32, 32, 3), value, np.uint8))
    head = SimpleNamespace(threshold=torch.tensor(0.))
    finder = GroupFinder(SimpleNamespace(
        model=SimpleNamespace(cls_head=head, test_step=test_step), preprocess=preprocess,
        collate_fn=list, known=KNOWN, cfg={}))
    finder.words = dict(scared='fear', angry='anger'), np.eye(4)[[2, 0]]
    return finder


def test_unknown_clips_are_grouped_and_named(finder, tmp_path):
    (tmp_path / 'notes.mp4').write_text('hello')
    found = finder([str(tmp_path)])
    assert found.total == 9 and len(found.paths) == 7
    sets = [sorted(Path(found.paths[i]).stem for i in group.clips) for group in found.groups]
    assert sets == [['2', '3', '4', '5'], ['6', '7', '8']]
    assert [group.name for group in found.groups] == ['anger', 'fear']
    assert len(found.problems) == 1 and found.problems[0].startswith('notes.mp4 cannot be used: ')
    with pytest.raises(InputError, match='too few for 7 groups'):
        finder([str(tmp_path)], 7)
    said = summary(found)
    assert '7 of 9 clips are unknown. They make 2 groups.' in said and 'notes.mp4' in said


def test_with_training_clips_those_near_a_known_emotion_are_left_out(finder, tmp_path):
    """The model's own decision has no part then: a dark clip joins a group."""
    directions = np.eye(4) + .01
    noise = .05 * np.random.default_rng(0).normal(size=(30, 4))
    finder.train = dict(feature=directions[[2, 3] * 15] + noise, label=np.array([0, 1] * 15))
    finder.inferencer.model.cls_head.threshold = torch.tensor(float('nan'))
    found = finder([str(tmp_path)], 1)
    assert found.total == 9 and len(found.paths) == 9
    new, = found.groups
    assert sorted(Path(found.paths[i]).stem for i in new.clips) == list('012345')
    assert '6 of 9 clips are unknown. They make 1 group.' in summary(found)


def test_what_cannot_be_grouped_is_said_in_a_sentence(finder, tmp_path, monkeypatch):
    def clips(*numbers):
        return [str(tmp_path / f'{i}.avi') for i in numbers]

    with pytest.raises(InputError, match='^2 of 4 clips may be unknown, which are too few'):
        finder(clips(0, 1, 2, 6))
    with pytest.raises(InputError, match='too few'):
        finder(clips(2, 3, 6, 7), 5)
    (tmp_path / 'notes.txt').write_text('hello\n' * 50)  # FFmpeg makes a video of it
    with pytest.raises(InputError, match='notes.txt cannot be used: it is no video'):
        finder([str(tmp_path / 'notes.txt')])
    monkeypatch.setattr(demo, 'MOST_PIXELS', 1000)
    with pytest.raises(InputError, match='frames of 32 x 32 pixels'):
        finder(clips(2, 3, 6, 7))
    monkeypatch.setattr(demo_groups, 'MOST_CLIPS', 8)
    with pytest.raises(InputError, match='These are 9 clips and this page takes 8'):
        finder(clips(*range(9)))
    finder.inferencer.model.cls_head.threshold = torch.tensor(float('nan'))
    with pytest.raises(InputError, match='no threshold'):
        finder(clips(2, 3))
    with pytest.raises(InputError, match='names no `clip`'):
        GroupFinder(finder.inferencer).words  # noqa: B018


def test_training_features_lie_beside_the_checkpoint(tmp_path):
    assert read_train_features(None) is None
    assert read_train_features(str(tmp_path / 'epoch_1.pth')) is None
    np.savez(tmp_path / 'train_features.npz', feature=np.eye(3), label=np.arange(3))
    found = read_train_features(str(tmp_path / 'epoch_1.pth'))
    assert np.array_equal(found['feature'], np.eye(3)) and found['label'].tolist() == [0, 1, 2]


@pytest.mark.ci
def test_with_a_run_the_groups_are_those_of_the_tool(tiny_options, tool_module, monkeypatch,
                                                     tmp_path):
    run, out = tmp_path / 'run', tmp_path / 'groups'
    run_split(str(ROOT / 'configs/hesp_afew_o34.py'), 0, run, tiny_options)
    clips = Path(tiny_options['data_root']) / 'Val_AFEW'

    def discover(*arguments):
        monkeypatch.setattr('sys.argv', ['discover.py', *map(str, arguments)])
        tool_module('discover.py').main()

    discover(run, '--clips', clips, '--groups', 2, '--out', out)
    config, checkpoint = next(run.glob('*.py')), next(run.glob('*.pth'))
    finder = GroupFinder(HESPInferencer(str(config), str(checkpoint)),
                         read_train_features(checkpoint))
    grouped = finder([str(clips)], 2)
    assert decided_text(grouped, [group.name for group in grouped.groups],
                        finder.inferencer.known) == (out / 'groups.txt').read_text()
    (out / 'groups.txt').write_text(decided_text(grouped, ['contempt', 'anxiety'],
                                                 finder.inferencer.known))
    discover('--apply', out)
    text = (out / 'train.csv').read_text()
    assert text.count('contempt') == len(grouped.groups[0].clips)
    assert text.count('anxiety') == len(grouped.groups[1].clips)


# The tab

def test_a_card_shows_words_and_clips_and_no_markup_of_their_names(tmp_path, write_clip):
    paths = [str(tmp_path / f'<b>{i}.avi') for i in range(9)]
    for path in paths:
        write_clip(Path(path), np.full((2, 16, 16, 3), 200, np.uint8))
    shown = card(2, group(range(9), 'fearful', 'awe <i>'), paths)
    assert 'Group 2: 9 clips' in shown and 'fearful, awe &lt;i&gt;' in shown
    assert shown.count('<img') == 12 and '<b>' not in shown and '<i>' not in shown
    assert shown.index('0.avi') < shown.index('5.avi') < shown.index('8.avi')
    small = card(1, group([4, 2], 'fearful'), paths)
    assert small.count('<img') == 2 and small.index('4.avi') < small.index('2.avi')
    assert 'doubtful' not in small


@pytest.fixture
def tab(tool_module, grouped, tmp_path, monkeypatch):
    pytest.importorskip('gradio')
    module = tool_module('_demo_groups.py')
    monkeypatch.setattr(module, 'card', lambda number, *_: f'card {number}')

    def find(inputs, k):
        if inputs == ['few.avi']:
            raise InputError('too few')
        grouped.asked = inputs, k
        return grouped

    find.inferencer = SimpleNamespace(known=KNOWN)
    return module.GroupsTab(find, nullcontext(), True, str(tmp_path))


def test_a_box_for_each_group(tab, grouped):
    (found, uploaded), said, *boxes = tab.find(['a.avi', 'b.avi'], ' ', 0)
    assert found is grouped and uploaded and grouped.asked == (['a.avi', 'b.avi'], None)
    assert '7 of 9 clips' in said and len(boxes) == 4 * MOST_GROUPS
    assert boxes[1::4] == ['card 1', 'card 2', 'card 3'] + [''] * (MOST_GROUPS - 3)
    assert boxes[2::4][:4] == ['accept', 'drop', 'accept', 'drop']  # proud is not learned unasked
    (_, uploaded), *_ = tab.find(None, ' /clips ', 3)
    assert not uploaded and grouped.asked == (['/clips'], 3)
    tab.local = False  # whatever a stranger's browser sends
    tab.find(['a.avi'], '/secret', 0)
    assert grouped.asked == (['a.avi'], None)
    for files, word in ((['few.avi'], 'too few'), (None, 'Choose several')):
        found, said, *boxes = tab.find(files, '', 0)
        assert found is None and word in said and set(boxes[1::4]) == {''}


def test_the_file_for_download_holds_the_decisions(tab, grouped):
    rest = ['drop', None] * (MOST_GROUPS - 3)
    button, said = tab.write((grouped, True), 'accept', 'fear', 'drop', 'anger', 'accept',
                             'disgust', *rest)
    groups = read_groups(button['value'])
    assert said == '' and button['interactive']
    assert {i: (g.action, g.value, g.clips) for i, g in groups.items()} == {
        1: ('accept', 'fear', ['a.avi', 'c.avi', 'e.avi']), 2: ('drop', '', ['b.avi', 'd.avi']),
        3: ('accept', 'disgust', ['f.avi', 'g.avi'])}
    button, _ = tab.write((grouped, False), 'accept', 'fear', *['drop', None] * (MOST_GROUPS - 1))
    assert read_groups(button['value'])[1].clips[0] == '/clips/a.avi'
    for boxes, word in ((['accept', ' '], 'Group 1 has no name'), (['drop', 'fear'], 'No group'),
                        (['accept', 'sad'], 'sadness is known already')):
        button, said = tab.write((grouped, True), *boxes, *['drop', None] * (MOST_GROUPS - 1))
        assert word in said and not button['interactive']
    button, said = tab.write(None, *['drop', None] * MOST_GROUPS)
    assert said == '' and not button['interactive']


def keep(screenshot, path):
    """Look at a picture of the page, and write it with few colours."""
    picture = Image.open(io.BytesIO(screenshot)).convert('RGB')
    assert len(picture.getcolors(2 ** 24)) > 1000
    if path:
        picture.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason='no chromium in PATH')
def test_the_tab_in_a_browser(address, embedded, tmp_path):
    """With ``DEMO_GROUPS_PICTURE=docs/images/demo_groups.png`` it keeps a picture there."""
    sync_api = pytest.importorskip('playwright.sync_api')
    clips = []
    for i, name in enumerate(['surprise', 'disgust', 'fear'] * 4 + ['happiness', 'sadness']):
        clips.append(tmp_path / f'{name}{i}.avi')
        demo.write_video(clips[-1], demo.make_clip(name, 311 + i, 30 + i, demo.SAMPLES_SEED))
    found = GroupFinder(embedded)([str(path) for path in clips])
    assert len(found.groups) > 1
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport=dict(width=1360, height=900), device_scale_factor=1)
        said = []
        page.on('console', lambda m: said.append(m.text) if m.type == 'error' else None)
        page.on('pageerror', lambda error: said.append(str(error)))
        page.goto(address + '?__theme=light')
        page.get_by_role('tab', name='Groups of unknown clips').click()
        button = page.locator('#download')
        page.locator('#find').click()
        sync_api.expect(page.locator('#said')).to_contain_text('Choose several', timeout=60_000)
        page.set_input_files('#clips input[type=file]', clips)
        sync_api.expect(page.locator('#clips')).to_contain_text(clips[-1].stem, timeout=60_000)
        page.locator('#find').click()
        sync_api.expect(page.locator('#said')).to_contain_text(
            f'{len(found.paths)} of 14 clips are unknown', timeout=120_000)
        for number, group in enumerate(found.groups, 1):
            box = page.locator(f'#group{number}')
            sync_api.expect(box).to_contain_text(f'Group {number}: {len(group.clips)} clips')
            size = len(group.clips)
            assert box.locator('figure').count() == (size if size < 7 else 12)
            assert box.get_by_label('Emotion').input_value() == group.name
        assert not page.locator(f'#group{len(found.groups) + 1}').is_visible()
        sync_api.expect(button).to_be_enabled(timeout=60_000)
        keep(page.screenshot(full_page=True), os.environ.get('DEMO_GROUPS_PICTURE'))

        first = page.locator('#group1')
        first.get_by_label('Emotion').fill('happy')
        first.get_by_label('Emotion').press('Enter')
        sync_api.expect(page.locator('#wrong')).to_contain_text('happiness is known already',
                                                                timeout=60_000)
        sync_api.expect(button).to_be_disabled()
        first.get_by_label('Emotion').fill('contempt')
        first.get_by_label('Emotion').press('Enter')
        page.locator('#group2').get_by_label('drop').click()
        sync_api.expect(page.locator('#wrong')).to_have_text('', timeout=60_000)
        sync_api.expect(button).to_be_enabled(timeout=60_000)
        page.wait_for_timeout(1000)
        with page.expect_download() as download:
            button.click()
        download.value.save_as(tmp_path / 'groups.txt')
        assert download.value.suggested_filename == 'groups.txt'
        browser.close()
    groups = read_groups(tmp_path / 'groups.txt')
    assert (groups[1].action, groups[1].value) == ('accept', 'contempt')
    assert groups[2].action == 'drop'
    names = [Path(found.paths[i]).name for i in found.groups[0].clips]
    assert groups[1].clips == names
    assert said == []
