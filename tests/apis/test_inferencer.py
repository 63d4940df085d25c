"""Predicting on files, arrays, folders and a webcam: the same as a test run says, on real files."""
import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from pickle import UnpicklingError
from types import SimpleNamespace

import cv2
import decord
import numbered
import numpy as np
import pytest
import torch
from mmaction.registry import INFERENCERS, MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from scipy.special import softmax
from test_peers import CONFIGS, own_options
from test_tools import CONFIG, ROOT, Payload, config, run

from hesp_mmaction.apis import HESPInferencer, configs, find_config, write_results
from hesp_mmaction.apis import inferencer as inferencer_module
from hesp_mmaction.apis.clip_sources import find_clips
from hesp_mmaction.apis.windows import spans
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.datasets import faces
from hesp_mmaction.datasets.synthetic.clips import make_clip
from hesp_mmaction.datasets.video import Video
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import load_dump
from hesp_mmaction.models.hesp_zoo import WEIGHTS, save_weights
from hesp_mmaction.models.weight_files import read_file

ZERO_SHOT = 'clip_zeroshot_afew_o34.py'
EMBEDDED_CLIP = {'image_size': 96, 'clip.arch': 'small_face_clip', 'clip.pretrained': 'embedded'}
KEYS = {'file', 'start', 'end', 'emotion', 'best_known', 'score', 'threshold', 'probabilities',
        'calibrated', 'region', 'image_size', 'face'}


@pytest.fixture(scope='module')
def trained(options, tmp_path_factory):
    """A work dir of a training, of three emotions that its config file does not name."""
    folder = tmp_path_factory.mktemp('infer') / 'run'
    run(config(options, folder, '--known', 'anger', 'surprise', 'sadness'),
        lambda runner: runner.train())
    return folder


@pytest.fixture(scope='module')
def options_of_user(options):
    """What a user of the checkpoint says: the CLIP and the size, no data."""
    return {key: value for key, value in options.items() if key.startswith(('clip', 'image'))}


@pytest.fixture(scope='module')
def inferencer(trained, options_of_user):
    return HESPInferencer(CONFIG, trained / 'epoch_2.pth', cfg_options=options_of_user | {
        'data_root': '/nowhere'})


@pytest.fixture(scope='module')
def dump(trained):
    return load_dump(trained / 'predictions.npz')


@pytest.fixture(scope='module')
def drawn():
    """Drawn clips (T, 112, 112, 3) of a person of the quick start's test part."""
    numbers = dict(happiness=396, surprise=301, sadness=342)  # those of docs/inference.md
    return {name: np.stack(make_clip(name, 324, number)) for name, number in numbers.items()}


@pytest.fixture(scope='module')
def embedded():
    return HESPInferencer()


def test_it_predicts_what_the_test_run_did(inferencer, trained, dump, tiny_afew, rounding):
    assert inferencer.known == tuple(dump['classes']) == ('anger', 'surprise', 'sadness')
    paths = [str(tiny_afew / name) for name in dump['sample_id']]
    found = inferencer(paths, batch_size=3)['predictions']
    assert [row['file'] for row in found] == paths and all(set(row) == KEYS for row in found)
    np.testing.assert_allclose([row['score'] for row in found], dump['score'], atol=rounding,
                               rtol=0)
    assert [row['emotion'] for row in found] == dump['pred_emotion'].tolist()
    assert [row['best_known'] for row in found] == dump['classes'][dump['pred']].tolist()
    assert {row['threshold'] for row in found} == {float(dump['threshold'])}
    saved = torch.load(trained / 'epoch_2.pth', weights_only=False)['state_dict']
    temperature = float(saved['cls_head.temperature'])
    assert temperature != 1
    p, calibrated = (np.array([list(row[key].values()) for row in found])
                     for key in ('probabilities', 'calibrated'))
    np.testing.assert_allclose(p, dump['probabilities'], atol=rounding)
    np.testing.assert_allclose(calibrated, softmax(dump['logits'] / temperature, 1), atol=rounding)
    assert np.abs(p - calibrated).max() > 1e-3
    assert {(row['start'], row['end']) for row in found} == {(0.0, 12 / 25)}
    assert all(len(row['region']) == 3 and row['image_size'] == 32 for row in found)
    one_by_one = [inferencer(path, batch_size=1)['predictions'][0] for path in paths[:3]]
    for one, many in zip(one_by_one, found, strict=False):
        assert one['score'] == pytest.approx(many['score'], abs=rounding)


def test_folders_frames_and_arrays_predict_the_same(inferencer, dump, tiny_afew, tmp_path,
                                                    rounding):
    path = tiny_afew / dump['sample_id'][5]
    frames = decord.VideoReader(str(path))[:].asnumpy()
    folder = tmp_path / 'clips' / 'frames'
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames):
        cv2.imwrite(str(folder / f'{number}.png'), frame[..., ::-1])
    shutil.copy(path, tmp_path / 'clips' / 'a.avi')
    (tmp_path / 'clips' / 'notes.txt').write_text('no clip')
    found = inferencer([tmp_path / 'clips', frames, str(folder)], fps=10)['predictions']
    assert [row['file'] for row in found] == [
        str(tmp_path / 'clips/a.avi'), str(folder), 'array 0', str(folder)]
    np.testing.assert_allclose([row['score'] for row in found], [dump['score'][5]] * 4,
                               atol=rounding)
    assert [row['end'] for row in found] == [0.48, 1.2, 1.2, 1.2]  # a video has its own rate


def test_windows_are_what_the_model_says_of_their_frames(inferencer, tiny_afew, dump, rounding):
    paths = [str(tiny_afew / name) for name in dump['sample_id'][[1, 6, 10]]]
    joined = np.concatenate([decord.VideoReader(path)[:].asnumpy() for path in paths])
    found = inferencer(joined, window=0.48, stride=0.24)['predictions']
    assert [(row['start'], row['end']) for row in found] == [
        (pytest.approx(0.24 * i), pytest.approx(0.24 * i + 0.48)) for i in range(5)]
    np.testing.assert_allclose([row['score'] for row in found[::2]], dump['score'][[1, 6, 10]],
                               atol=rounding)
    between = inferencer(joined[6:18])['predictions'][0]
    assert found[1]['score'] == pytest.approx(between['score'], abs=rounding)


@pytest.mark.parametrize('fps', [1, 12.5, 25, 29.97])
def test_windows_cover_every_frame(fps):
    for num_frames in (1, 7, 60, 211):
        for window in (0.01, 0.5, 3):
            for stride in (None, 0.01, 0.3, 3):
                found = spans(num_frames, fps, window, stride)
                length = min(num_frames, max(1, round(window * fps)))
                assert all(stop - start == length for start, stop in found)
                assert found[0][0] == 0 and found[-1][1] == num_frames
                assert found == sorted(set(found))
                steps = np.diff([start for start, _ in found])
                wanted = max(1, (window / 2 if stride is None else stride) * fps)
                assert (np.abs(steps[:-1] - wanted) <= 1).all() and (steps <= wanted + 1).all()


def test_windows_of_a_rate_that_varies_hold_the_frames_of_their_seconds(inferencer, tmp_path):
    """Ten frames at 25 a second, then ten at 5: 2.4 seconds."""
    stamps = [*range(0, 400, 40), *range(400, 2400, 200)]
    path = str(numbered.write(tmp_path / 'a.mp4', 'libx264', 20, stamps, bf='0'))
    clip, = find_clips(path)
    begins = (0, 0.4, 0.8, 1.2, clip.times[-1] - 0.8)  # the last window ends with the clip
    for (first, after), begin in zip(clip.spans(0.8, 0.4), begins, strict=True):
        assert clip.times[first] == pytest.approx(begin, abs=0.1 + 1e-9)
        assert clip.times[after] == pytest.approx(begin + 0.8, abs=0.1 + 1e-9)
    assert clip.spans(0.8, 0.4)[0] == (0, 12) and clip.spans(0.8, 0.4)[-1][1] == 20
    assert clip.spans(9) == [(0, 20)] and clip.spans(0.01, 0.5)[-1] == (19, 20)
    whole, = inferencer(path, video=str(tmp_path / 'told.mp4'))['predictions']
    assert (whole['start'], whole['end']) == (0, pytest.approx(2.4, abs=0.2))
    np.testing.assert_allclose(Video(str(tmp_path / 'told.mp4')).times[:-1],
                               np.array(stamps) / 1000, atol=1e-3)


def test_a_clip_of_one_frame_without_a_duration(inferencer, tmp_path):
    path = numbered.write(tmp_path / 'a.gif', 'gif', 1, pix_fmt='rgb8')
    row, = inferencer(str(path), window=0.5, out_dir=str(tmp_path / 'out'))['predictions']
    assert row['emotion'] and np.isfinite([row['start'], row['end']]).all()


def test_a_video_that_cannot_be_written_ends_nothing(inferencer, tiny_afew, tmp_path, monkeypatch):
    paths = [str(tiny_afew / f'Val_AFEW/{name}/000.avi') for name in ('Happy', 'Sad', 'Happy')]
    write = inferencer_module.write_video

    def fail(path, frames, times):
        if len(written) == 1:
            written.append(None)
            raise InputError('no room')
        written.append(path)
        write(path, frames, times)
    written = []
    monkeypatch.setattr(inferencer_module, 'write_video', fail)
    found = inferencer(paths, out_dir=str(tmp_path))
    assert len(found['predictions']) == 3 and len(found['visualization']) == 2
    assert [Path(path).name for path in found['visualization']] == ['000.mp4', '000-3.mp4']


def test_a_clip_given_twice_gets_its_own_results(inferencer, tiny_afew, tmp_path, monkeypatch):
    path, seen = str(tiny_afew / 'Val_AFEW/Happy/000.avi'), []
    monkeypatch.setattr(inferencer_module, 'annotate',
                        lambda frames, results, *args: seen.append(len(results)) or iter(()))
    monkeypatch.setattr(inferencer_module, 'write_video', lambda path, frames, times: None)
    inferencer([path, path], window=0.24, out_dir=str(tmp_path))
    assert seen == [3, 3]


def test_results_are_there_if_a_clip_stops_the_program(inferencer, tiny_afew, tool_module, tmp_path,
                                                       monkeypatch):
    tool = tool_module('infer.py')

    def predict(*arguments):
        yield from inferencer.predict(arguments[0][:1])
        raise MemoryError
    broken = SimpleNamespace(predict=predict)
    monkeypatch.setattr(tool, 'HESPInferencer', lambda *args, **kwargs: broken)
    monkeypatch.setattr(sys, 'argv', ['infer.py', str(tiny_afew / 'Val_AFEW/Happy'), '--out',
                                      str(tmp_path / 'out')])
    with pytest.raises(MemoryError):
        tool.main()
    assert len(json.loads((tmp_path / 'out/results.json').read_text())) == 1


def test_names_of_files_in_any_encoding(inferencer, tiny_afew, tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b'caf\xe9.avi')
    shutil.copy(tiny_afew / 'Val_AFEW/Happy/000.avi', path)
    found = inferencer(str(tmp_path), out_dir=str(tmp_path / 'out'))
    row, = found['predictions']
    assert row['file'] == os.fsdecode(path) and len(found['visualization']) == 1
    write_results([row], tmp_path / 'a.json', tmp_path / 'a.csv')
    assert b'caf\xe9.avi' in (tmp_path / 'a.csv').read_bytes()
    assert json.loads((tmp_path / 'a.json').read_text())[0]['file'] == row['file']


def test_windows_that_make_no_sense():
    assert spans(30, 25) == [(0, 30)]
    for wrong in (dict(window=0), dict(window=1, stride=0), dict(stride=1), dict(window=-1)):
        with pytest.raises(InputError, match='window'):
            spans(30, 25, **wrong)


def test_broken_clips_do_not_stop_the_others(inferencer, write_damaged, tmp_path):
    reasons = write_damaged(tmp_path / 'clips')
    folder = tmp_path / 'images'
    folder.mkdir()
    for number in range(30):
        cv2.imwrite(str(folder / f'{number}.jpg'), np.zeros((40, 40, 3), np.uint8))
    (folder / '0.jpg').write_bytes(b'no image')  # no sampled frame
    found = inferencer([tmp_path / 'clips', folder, tmp_path / 'none.mp4'],
                       out_dir=str(tmp_path / 'out'))
    assert len(found['visualization']) == len(list((tmp_path / 'out').glob('*.mp4'))) >= 2
    found = found['predictions']
    assert len(found) == 12 and found[-1]['error'] == 'no such file'
    assert '0.jpg' in found[-2]['error']
    by_name = {Path(row['file']).name: row for row in found}
    for name in ('one.avi', 'odd.avi'):
        assert by_name[name]['emotion'] in (*inferencer.known, 'unknown')
    for name in ('zero.avi', 'text.avi', 'blank.avi', 'luck.avi', 'sound.avi'):
        assert by_name[name]['error'].startswith(reasons[name])


def test_inputs_that_cannot_be_meant(inferencer, tmp_path):
    for wrong in (3.5, np.zeros((4, 8, 8, 3)), np.zeros((8, 8, 3), np.uint8), tmp_path, True):
        with pytest.raises(InputError):
            inferencer(wrong)
    with pytest.raises(InputError, match='single clip'):
        inferencer([np.zeros((4, 8, 8, 3), np.uint8)] * 2, video=str(tmp_path / 'a.mp4'))


class FakeCamera:
    opened, pictures = True, 9

    def __init__(self, index):
        self.left = self.pictures

    def isOpened(self):  # noqa: N802
        return self.opened

    def read(self):
        self.left -= 1
        return self.left >= 0, np.full((40, 60, 3), (10, 20, 30), np.uint8)

    def release(self):
        pass


def test_a_webcam(inferencer, monkeypatch):
    monkeypatch.setattr(cv2, 'VideoCapture', FakeCamera)
    clip, = find_clips(2)
    assert clip.name == 'webcam 2' and clip.source.shape == (9, 40, 60, 3)
    assert (clip.source == (30, 20, 10)).all()  # RGB
    assert inferencer(2)['predictions'][0]['file'] == 'webcam 2'
    monkeypatch.setattr(FakeCamera, 'pictures', 10 ** 9)
    assert len(find_clips(0, seconds=0.05)[0].source) > 1
    monkeypatch.setattr(FakeCamera, 'pictures', 0)
    with pytest.raises(InputError, match='no picture'):
        inferencer(0)
    monkeypatch.setattr(FakeCamera, 'opened', False)
    with pytest.raises(InputError, match='webcam 1 cannot be opened'):
        inferencer(1)


def test_the_face_is_followed_and_aligned(trained, options_of_user, monkeypatch, haar):
    def find(frame):  # a bright square is a face; its eyes are a little below its top
        rows, columns = np.nonzero(frame[..., 0] > 250)
        if not len(rows):
            return []
        y, x = rows.min(), columns.min()
        return [dict(box=(x, y, 40, 40), points=np.array([(x + 10., y + 12.), (x + 30., y + 12.)]))]

    monkeypatch.setitem(faces.DETECTORS, 'haar', find)
    inferencer = HESPInferencer(CONFIG, trained / 'epoch_2.pth', face='haar',
                                cfg_options=options_of_user)
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 200, (12, 90, 120, 3), dtype=np.uint8)
    for number, frame in enumerate(frames):
        frame[20:60, 30 + number:70 + number] = 255
    frames[7, 20:60] = 0  # not found there
    crops, count = faces.aligned_faces(frames, find)
    assert count == 11
    expected = HESPInferencer(CONFIG, trained / 'epoch_2.pth', cfg_options=options_of_user)(
        np.stack(list(crops)))['predictions'][0]
    row, nothing = inferencer([frames, np.zeros((5, 64, 64, 3), np.uint8)])['predictions']
    assert row['score'] == pytest.approx(expected['score'], abs=1e-6)
    assert row['face'] == [35, 20, 40, 40] and nothing['error'] == 'no face found'
    late = np.concatenate([frames, np.zeros((12, 90, 120, 3), np.uint8)])
    first, second = inferencer(late, window=0.48, stride=0.48)['predictions']
    assert 'error' not in first and second['error'] == 'no face found' and second['start'] == 0.48


def test_older_checkpoints_have_no_temperature(trained, options_of_user, tmp_path, tiny_afew):
    saved = torch.load(trained / 'epoch_2.pth', weights_only=False)
    del saved['state_dict']['cls_head.temperature']
    torch.save(dict(state_dict=saved['state_dict'], hesp=saved['hesp']), tmp_path / 'old.pth')
    old = HESPInferencer(CONFIG, tmp_path / 'old.pth', cfg_options=options_of_user)
    assert float(old.model.cls_head.temperature) == 1
    assert float(old.model.cls_head.threshold) == saved['hesp']['threshold']


def test_what_does_not_belong_together_is_said(trained, options_of_user, tmp_path):
    checkpoint = trained / 'epoch_2.pth'
    wide = options_of_user | {'image_size': 64}
    for args, kwargs, words in (
            ((CONFIG,), {}, 'name its checkpoint'), ((None, checkpoint), {}, 'name the config'),
            ((CONFIG, checkpoint), dict(known=['fear', 'anger', 'sadness']), 'epoch_2.pth knows'),
            ((CONFIG, checkpoint), dict(cfg_options=wide), 'does not fit the config'),
            (('nowhere.py',), {}, 'no config'), ((), dict(face='eyes'), 'haar'),
            ((ZERO_SHOT, checkpoint), {}, 'not in the model')):
        kwargs.setdefault('cfg_options', options_of_user)
        with pytest.raises(InputError, match=words):
            HESPInferencer(*args, **kwargs)
    (tmp_path / 'a.safetensors').write_bytes(b'nothing')
    with pytest.raises(InputError, match='a.safetensors is damaged'):
        HESPInferencer(CONFIG, tmp_path / 'a.safetensors', cfg_options=options_of_user)
    with pytest.raises(FileNotFoundError):
        HESPInferencer(CONFIG, tmp_path / 'b.safetensors', cfg_options=options_of_user)


def test_a_malicious_checkpoint_is_refused(trained, options_of_user, tmp_path):
    """A whole checkpoint with a payload beside its weights."""
    saved = torch.load(trained / 'epoch_2.pth', weights_only=False)
    torch.save(dict(saved, extra=Payload(str(tmp_path / 'executed'))), tmp_path / 'bad.pth')
    with pytest.raises(UnpicklingError, match='bad.pth was refused'):
        HESPInferencer(CONFIG, tmp_path / 'bad.pth', cfg_options=options_of_user)
    assert not (tmp_path / 'executed').exists()


def test_zero_shot_needs_no_checkpoint(drawn, options):
    cfg = Config.fromfile(find_config(ZERO_SHOT))
    before = cfg.pretty_text
    clip = HESPInferencer(cfg, known=['happiness', 'sad'], cfg_options=EMBEDDED_CLIP)
    assert cfg.pretty_text == before
    row, = clip(drawn['happiness'])['predictions']
    assert row['threshold'] is row['region'] is row['face'] is row['calibrated'] is None
    assert row['emotion'] == row['best_known'] == 'happiness'
    assert set(row['probabilities']) == {'happiness', 'sadness'}


def test_configs_are_found_in_a_clone_and_in_an_installation(tmp_path, monkeypatch):
    assert find_config('hesp_synthetic_o43') == str(ROOT / 'configs/hesp_synthetic_o43.py')
    assert find_config(CONFIG) == CONFIG
    installed = tmp_path / '.mim/configs'
    installed.mkdir(parents=True)
    (installed / 'mine.py').write_text('')
    monkeypatch.setattr(configs, 'FOLDERS', (tmp_path / 'configs', installed))
    assert find_config('mine') == str(installed / 'mine.py')


def test_the_embedded_model_is_small_and_knows_four_emotions(embedded, tmp_path):
    assert Path(WEIGHTS).stat().st_size < 2 ** 20
    assert INFERENCERS.get('HESPInferencer') is HESPInferencer
    assert embedded.known == ('happiness', 'sadness', 'anger', 'neutral')
    head = embedded.model.cls_head
    assert torch.isfinite(head.threshold) and head.temperature != 1
    checkpoint = read_file(WEIGHTS)
    save_weights(checkpoint, tmp_path / 'again.safetensors')
    assert (tmp_path / 'again.safetensors').read_bytes() == Path(WEIGHTS).read_bytes()


@pytest.mark.ci
def test_three_joined_clips_are_told_apart(embedded, drawn, tmp_path):
    clips = list(drawn.values())
    whole = [row['emotion'] for row in embedded(clips)['predictions']]
    assert whole == ['happiness', 'unknown', 'sadness']
    joined = np.concatenate(clips)
    found = embedded(joined, window=0.72, stride=0.12, out_dir=str(tmp_path))
    ends = np.cumsum([len(clip) for clip in clips]) / 25
    for row in found['predictions']:
        inside = [name for name, begin, end in zip(whole, [0, *ends], ends, strict=False)
                  if begin - 1e-9 <= row['start'] and row['end'] <= end + 1e-9]
        # A clip begins at rest, which looks neutral.
        assert not inside or row['emotion'] in (inside[0], 'neutral'), row
    assert {row['emotion'] for row in found['predictions']} >= {*whole}
    video, = found['visualization']
    assert len(decord.VideoReader(video)) == len(joined)


def test_results_are_written(tmp_path):
    rows = [dict(file='a, b.mp4', start=0.0, end=1.0, emotion='unknown', best_known='anger',
                 score=0.5, threshold=None, probabilities=dict(anger=0.7, fear=0.3),
                 region=[1, 2, 3], image_size=32, face=None), dict(file='c', error='empty file')]
    write_results(rows, tmp_path / 'new/a.json', tmp_path / 'new/a.csv')
    assert json.loads((tmp_path / 'new/a.json').read_text()) == rows
    with open(tmp_path / 'new/a.csv', newline='') as file:
        first, second = csv.DictReader(file)
    assert first['file'] == 'a, b.mp4' and first['p_fear'] == '0.3' and first['threshold'] == ''
    assert second['error'] == 'empty file' and second['emotion'] == ''
    assert not any(key.startswith('calibrated') for key in first)
    rows[0] |= dict(score=float('nan'), calibrated=dict(anger=0.6, fear=float('inf')))
    write_results(rows, tmp_path / 'a.json', tmp_path / 'a.csv')

    def refuse(constant):
        raise AssertionError(f'{constant} is not JSON')

    first, _ = json.loads((tmp_path / 'a.json').read_text(), parse_constant=refuse)
    assert first['score'] is None and first['calibrated'] == dict(anger=0.6, fear=None)
    with open(tmp_path / 'a.csv', newline='') as file:
        first, second = csv.DictReader(file)
    assert first['p_anger'] == '0.7' and first['calibrated_anger'] == '0.6'
    assert second['p_anger'] == second['calibrated_anger'] == ''


@pytest.fixture(scope='module')
def evidential(options_of_user, tmp_path_factory):
    """DEAR with random weights of a linear head, the temperature fitted to another value than 1."""
    name = str(ROOT / 'configs/dear_afew_o34.py')
    cfg = Config.fromfile(name)
    override(cfg, own_options(name, options_of_user))
    init_default_scope('mmaction')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.cls_head.temperature.fill_(0.5)
    path = tmp_path_factory.mktemp('dear') / 'random.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    return HESPInferencer(cfg, path)


def test_probabilities_of_dear_are_the_mean_of_its_dirichlet(evidential, drawn):
    row, = evidential(drawn['happiness'])['predictions']
    assert row['calibrated'] is None
    p = np.array(list(row['probabilities'].values()))
    # p = (exp(z) + 1) / S and the score -K / S: so S p - 1 = exp(z), whose softmax is no p.
    total = -len(p) / row['score']
    evidence = total * p - 1
    assert (evidence > 0).all() and p.sum() == pytest.approx(1)
    assert np.abs(evidence / evidence.sum() - p).max() > 1e-4


def test_values_that_are_not_finite_are_an_error_of_their_clip(inferencer, drawn, tmp_path):
    clips = [drawn['happiness'], drawn['sadness']]
    expected = inferencer(clips)['predictions']
    forward = type(inferencer.model.cls_head).forward

    def spoilt(head, *args, **kwargs):
        outputs = forward(head, *args, **kwargs)
        return {key: torch.cat([values[:1] * float('nan'), values[1:]]) for key, values in
                outputs.items()}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(inferencer.model.cls_head), 'forward', spoilt)
        found = inferencer(clips, out_dir=str(tmp_path))
    first, second = found['predictions']
    assert first == dict(file='array 0', start=0.0, end=expected[0]['end'],
                         error='the model gives NaN or infinite values')
    assert second['score'] == pytest.approx(expected[1]['score'], abs=1e-5)
    assert len(found['visualization']) == 1


def test_a_border_is_told_as_no_window(options_of_user, drawn, tmp_path):
    border = options_of_user | {'model.visual_prompt.region': 'border'}
    cfg = Config.fromfile(CONFIG)
    override(cfg, border)
    init_default_scope('mmaction')
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), tmp_path / 'random.pth')
    row, = HESPInferencer(CONFIG, tmp_path / 'random.pth', cfg_options=border)(
        drawn['sadness'])['predictions']
    assert row['region'] is None and row['image_size'] == 32


@pytest.mark.parametrize('name, flag', [('configs/a.py', '--config'), ('A.PTH', '--checkpoint'),
                                        ('a.safetensors', '--checkpoint')])
def test_a_config_or_checkpoint_is_no_clip(tool_module, monkeypatch, name, flag):
    # The order of test.py: the answers would be those of the embedded model.
    monkeypatch.setattr(sys, 'argv', ['infer.py', name, 'clip.avi'])
    with pytest.raises(InputError, match=f'{name} is not a clip: name it with {flag} {name}'):
        tool_module('infer.py').main()


def test_the_tool(drawn, write_clip, tool_module, tmp_path, monkeypatch, capsys):
    for name, frames in drawn.items():
        write_clip(tmp_path / f'{name}.avi', frames[..., ::-1])
    tool = tool_module('infer.py')
    out = tmp_path / 'out'

    def infer(*arguments):
        monkeypatch.setattr(sys, 'argv', ['infer.py', *map(str, arguments)])
        tool.main()
        return capsys.readouterr().out

    text = infer(*(tmp_path / f'{name}.avi' for name in drawn), tmp_path / 'no.mp4', '--out', out)
    lines = text.splitlines()
    assert [line.split()[4] for line in lines[1:4]] == ['happiness', 'unknown', 'sadness']
    assert 'no such file' in lines[4]
    rows = json.loads((out / 'results.json').read_text())
    assert [row.get('emotion') for row in rows] == ['happiness', 'unknown', 'sadness', None]
    assert len((out / 'results.csv').read_text().splitlines()) == 5
    assert sorted(path.name for path in out.glob('*.mp4')) == [
        'happiness.mp4', 'sadness.mp4', 'surprise.mp4']
    text = infer(tmp_path / 'sadness.avi', '--window', 0.4, '--video', tmp_path / 'a.mp4',
                 '--config', ZERO_SHOT, '--known', 'happiness', 'sadness', '--cfg-options',
                 *(f'{key}={value}' for key, value in EMBEDDED_CLIP.items()))
    assert len(text.splitlines()) > 3 and (tmp_path / 'a.mp4').is_file()
    with pytest.raises(SystemExit):
        infer(tmp_path / 'no.mp4')


@pytest.mark.slow
def test_the_tool_from_another_folder(drawn, write_clip, tmp_path):
    write_clip(tmp_path / 'my.avi', drawn['happiness'][..., ::-1])
    done = subprocess.run([sys.executable, ROOT / 'tools/infer.py', 'my.avi'], cwd=tmp_path,
                          text=True, capture_output=True)
    assert done.returncode == 0 and 'happiness' in done.stdout, done.stderr
    done = subprocess.run([sys.executable, ROOT / 'tools/infer.py', 'my.avi', '--config', CONFIG],
                          cwd=tmp_path, text=True, capture_output=True)
    assert done.returncode == 1 and 'Traceback' not in done.stderr
    assert 'name its checkpoint' in done.stderr.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize('name', CONFIGS)
def test_every_method_predicts(name, tiny_options, tiny_afew, tmp_path):
    options = own_options(name, {key: value for key, value in tiny_options.items()
                                 if key.startswith(('clip', 'image'))})
    cfg = Config.fromfile(ROOT / name)
    override(cfg, options)
    init_default_scope('mmaction')
    checkpoint = None
    if cfg.get('optim_wrapper') is not None:
        checkpoint = tmp_path / 'random.pth'
        torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), checkpoint)
    inferencer = HESPInferencer(str(ROOT / name), checkpoint, cfg_options=options)
    row, = inferencer(str(tiny_afew / 'Val_AFEW/Happy/000.avi'))['predictions']
    assert row['emotion'] in inferencer.known and set(row) == KEYS
    assert sum(row['probabilities'].values()) == pytest.approx(1)
