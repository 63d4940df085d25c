"""The demo page: what it is made of, and the page itself in headless Chromium."""
import io
import os
import re
import shutil
import sys
import threading
import time

import av
import cv2
import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image
from safetensors.torch import load_file
from test_peers import CONFIGS, own_options
from test_tools import ROOT

from hesp_mmaction.apis import HESPInferencer, demo, demo_pictures
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.datasets.clip_loading import Video
from hesp_mmaction.datasets.decoding import VIDEO_EXTENSIONS
from hesp_mmaction.datasets.emotions import BASIC
from hesp_mmaction.errors import InputError
from hesp_mmaction.visualization.answer import answer, explanation

CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser')
QUIET = ('--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking',
         '--disable-component-update', '--disable-sync')
# Fixed texts, and a backbone that is compared with them.
WITH_MAPS = [f'configs/{name}_afew_o34.py' for name in (
    'clip_zeroshot', 'clip_zeroshot_ensemble', 'hesp', 'hesp_attention_pooling', 'hesp_padding',
    'hesp_vpt', 'open_vclip', 'vp', 'vpt')]
CHOSEN = ('anger', 'happiness', 'neutral', 'sadness')


@pytest.fixture(scope='module')
def samples(tmp_path_factory):
    return demo.write_samples(tmp_path_factory.mktemp('samples'))


def test_samples_hold_an_emotion_that_the_embedded_model_does_not_know(samples, embedded):
    assert set(BASIC) < set(samples) and not set(BASIC) <= set(embedded.known)
    lengths = {name: len(Video(str(path))) for name, path in samples.items()}
    assert lengths['joined'] > 50 and all(lengths[name] < 31 for name in BASIC)


@pytest.mark.ci
def test_what_is_shown_is_what_the_inferencer_says(samples, embedded):
    path = str(samples['joined'])
    seen = demo.look(embedded, path, window=0.8)
    whole, = embedded(path)['predictions']
    assert {k: seen['result'][k] for k in ('emotion', 'region')} == {
        k: whole[k] for k in ('emotion', 'region')}
    assert seen['result']['score'] == pytest.approx(whole['score'], abs=1e-5)
    windows = embedded(path, window=0.8)['predictions']
    assert len(windows) > 4
    assert [(w['start'], w['end'], w['emotion']) for w in seen['windows']] == [
        (w['start'], w['end'], w['emotion']) for w in windows]
    # The frames are those of the middles of eight segments, squeezed into the model's square.
    video = Video(path)
    assert seen['frames'].shape == (8, 96, 96, 3) and seen['maps'].shape[0] == 8
    small = np.stack([cv2.resize(frame, (96, 96)) for frame in video]).astype(int)
    for i, frame in enumerate(seen['frames']):
        nearest = np.abs(small - frame).mean((1, 2, 3)).argmin()
        assert abs(nearest - (i + 0.5) * len(video) / 8) <= 1
    top, left, size = whole['region']
    assert 0 <= top <= 96 - size and 0 <= left <= 96 - size
    assert (seen['maps'] >= 0).all() and seen['maps'].max() > 0
    assert len(answer(seen)) < 1_000_000


def test_maps_need_a_model_that_knows_texts(samples, embedded, monkeypatch):
    head = torch.nn.Module()  # without texts
    model = type('Model', (), dict(cls_head=head, backbone=embedded.model.backbone))()
    assert demo_pictures.activation_maps(model, np.zeros((1, 96, 96, 3), np.uint8)) is None


def test_clips_of_frames_and_of_clips_are_shown_alike():
    frames = torch.arange(16).view(16, 1, 1, 1).expand(16, 3, 4, 4)
    clips = frames.unflatten(0, (2, 8)).transpose(1, 2)  # (N, 3, T, S, S)
    expected = [1, 3, 5, 7, 9, 11, 13, 15]
    for inputs in (frames, clips):
        shown = demo_pictures.shown_frames(inputs)
        assert shown.shape == (8, 4, 4, 3) and shown[:, 0, 0, 0].tolist() == expected


@pytest.mark.parametrize('number, at_most, expected', [
    (1, 8, [0]), (3, 8, [0, 1, 2]), (8, 8, list(range(8))), (80, 4, [10, 30, 50, 70])])
def test_spread(number, at_most, expected):
    assert demo_pictures.spread(number, at_most) == expected


def test_the_stored_features_are_those_of_drawn_training_clips(tmp_path):
    stored = load_file(demo.FEATURES)
    assert set(stored) == set(BASIC) and demo.FEATURES.stat().st_size < 80_000
    assert {tuple(feats.shape) for feats in stored.values()} == {(demo.PER_CLASS, 128)}
    entry = next(e for e in demo.plan_afew(demo.FEATURES_SEED, (demo.PER_CLASS, 1))
                 if e.emotion == 'fear')
    path = tmp_path / 'clip.avi'
    demo.write_video(path, demo.make_clip('fear', entry.person, entry.number, demo.FEATURES_SEED))
    inferencer = demo.zero_shot(BASIC)
    (_, data), = next(inferencer.preprocess(demo.find_clips(str(path))))
    sample, = inferencer.model.test_step(inferencer.collate_fn([data]))
    torch.testing.assert_close(sample.pred_feature, stored['fear'][0].float(), atol=3e-3, rtol=3e-3)


@pytest.mark.parametrize('known', [('fear', 'surprise'), CHOSEN])
def test_the_threshold_keeps_95_percent_of_the_chosen_emotions(known):
    inferencer = demo.zero_shot(known)
    threshold, low, high = demo.zero_shot_threshold(inferencer)
    head = inferencer.model.cls_head
    texts = head.class_text / head.class_text.norm(dim=1, keepdim=True)
    scores = []
    for name in known:
        feats = load_file(demo.FEATURES)[name].float()
        cosines = feats / feats.norm(dim=1, keepdim=True) @ texts.T
        scores.append((head.text.logit_scale * cosines).max(1).values)
    scores = torch.cat(scores).numpy()
    kept = (scores >= threshold - 1e-5).mean()
    assert 0.95 <= kept < 0.95 + 1.5 / len(scores)
    assert low <= scores.min() + 1e-5 and high >= scores.max() - 1e-5


def test_another_threshold_decides_anew():
    result = dict(score=1.0, threshold=None, emotion='fear', best_known='fear')
    assert demo.with_threshold(result, 1.0)['emotion'] == 'fear'  # as fit_threshold means it
    assert demo.with_threshold(result, 1.1)['emotion'] == 'unknown'
    assert demo.with_threshold(dict(result, emotion='unknown'), None)['emotion'] == 'fear'


def test_unusable_clips_get_a_sentence_with_their_name(embedded, tmp_path, write_damaged,
                                                       write_clip, haar):
    damaged = write_damaged(tmp_path)
    for name, reason in damaged.items():
        if not reason.startswith('truncated'):
            with pytest.raises(InputError, match=f'^{name} cannot be used as a video: .*[.]$'):
                demo.look(embedded, tmp_path / name)
    (tmp_path / 'notes.txt').write_text('hello\n' * 50)  # FFmpeg makes a video of it
    with pytest.raises(InputError, match=f'^notes.txt is not a video: .*{VIDEO_EXTENSIONS[0]}'):
        demo.look(embedded, tmp_path / 'notes.txt')
    write_clip(tmp_path / 'long.avi', np.zeros((25 * demo.LONGEST + 50, 16, 16, 3), np.uint8))
    with pytest.raises(InputError, match='long.avi is 122 seconds long'):
        demo.look(embedded, tmp_path / 'long.avi')
    with pytest.raises(InputError, match='no face found'):
        demo.look(embedded, tmp_path / 'odd.avi', find_face=True)
    with pytest.raises(InputError, match='at least two'):
        demo.zero_shot(('fear',))


def write_header_less(path, frames):
    """A WebM as browsers record it: no duration and no number of frames in the header."""
    with av.open(str(path), 'w', format='webm', options=dict(live='1')) as container:
        stream = container.add_stream('libvpx', rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 32, 'yuv420p'
        for number in range(frames):
            picture = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 90, np.uint8), 'rgb24')
            picture.pts = number
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def test_what_is_too_much_is_refused_before_a_picture_is_decoded(embedded, samples, tmp_path,
                                                                 write_clip, monkeypatch):
    for path in samples.values():
        demo.check_size(path)
    write_clip(tmp_path / 'long.avi', np.zeros((25 * 122, 16, 16, 3), np.uint8))
    write_clip(tmp_path / 'wide.avi', np.zeros((2, 64, 128, 3), np.uint8))
    write_header_less(tmp_path / 'recorded.webm', 25 * 3)
    with av.open(str(tmp_path / 'recorded.webm')) as container:
        assert container.duration is None and not container.streams.video[0].frames
    for name in ('notes.txt', 'none.avi'):  # somebody else says what is wrong with it
        (tmp_path / 'notes.txt').write_text('hello')
        demo.check_size(tmp_path / name)

    def decode(*_):
        raise AssertionError('a picture was decoded')

    monkeypatch.setattr('hesp_mmaction.apis.clip_sources.OpenedClip.check', decode)
    with pytest.raises(InputError, match='^long.avi is 122 seconds long and this page takes 120: '):
        demo.look(embedded, tmp_path / 'long.avi')
    monkeypatch.setattr(demo, 'MOST_PIXELS', 8191)
    with pytest.raises(InputError, match='^wide.avi has frames of 128 x 64 pixels'):
        demo.look(embedded, tmp_path / 'wide.avi')
    monkeypatch.setattr(demo, 'MOST_FRAMES', 30)
    with pytest.raises(InputError, match='^recorded.webm has 75 frames and this page takes 30: '):
        demo.look(embedded, tmp_path / 'recorded.webm')
    monkeypatch.setattr(demo, 'LONGEST', 2)
    with pytest.raises(InputError, match='^recorded.webm is 3 seconds long'):
        demo.check_size(tmp_path / 'recorded.webm')


def test_large_frames_are_kept_small():
    assert demo_pictures.reduced(np.zeros((2160, 4096, 3), np.uint8)).shape == (338, 640, 3)
    frame = np.zeros((64, 640, 3), np.uint8)
    assert demo_pictures.reduced(frame) is frame


def test_a_face_is_cut_out_where_asked(embedded, samples, tmp_path, haar):
    small = np.stack([np.pad(frame, ((40, 90), (150, 30), (0, 0)), mode='edge')
                      for frame in demo.make_clip('happiness', 301, 5, 4, size=224)[:6]])
    demo.write_video(tmp_path / 'street.avi', small)
    seen = demo.look(embedded, tmp_path / 'street.avi', find_face=True)
    assert seen['thumbnails'][0].shape == small.shape[1:]
    whole = demo.look(embedded, tmp_path / 'street.avi')
    assert np.abs(seen['frames'].astype(int) - whole['frames']).mean() > 10


@pytest.fixture
def page_tool(tool_module):
    """tools/demo.py as a module."""
    pytest.importorskip('gradio')
    return tool_module('demo.py')


@pytest.fixture
def launched(page_tool, embedded, monkeypatch, capsys):
    """A function (arguments) that runs the tool to its launch: how Gradio was called, the proxies
    that it saw, and what was printed to stderr."""
    monkeypatch.setattr(page_tool, 'HESPInferencer', lambda *_, **__: embedded)
    monkeypatch.setattr(page_tool, 'write_samples', lambda folder: {})
    calls = []

    class Blocks:
        def launch(self, **options):
            proxies = {name for name in os.environ if name.lower().endswith('_proxy')}
            calls.append((options, proxies))
            return None, 'http://127.0.0.1:7860/', None

        def block_thread(self):
            pass

    monkeypatch.setattr(page_tool.Page, 'build', lambda self, groups: Blocks())
    monkeypatch.setattr(page_tool.signal, 'signal', lambda *_: None)
    for name in ('GRADIO_SERVER_NAME', 'GRADIO_SERVER_PORT', 'GRADIO_ROOT_PATH', 'GRADIO_TEMP_DIR'):
        monkeypatch.delenv(name, raising=False)

    def launch(*arguments, **environment):
        with monkeypatch.context() as patch:
            patch.setattr(sys, 'argv', ['demo.py', *arguments])
            patch.setenv('GRADIO_TEMP_DIR', '')  # is set by the tool
            for name, value in environment.items():
                patch.setenv(name, value)
            page_tool.main()
            assert {name: os.environ[name] for name in environment} == environment
        return *calls.pop(), capsys.readouterr().err
    return launch


def test_the_page_is_for_this_machine_unless_asked_otherwise(launched):
    options, _, said = launched()
    assert options['server_name'] == '127.0.0.1' and options['server_port'] is None
    assert options['auth'] is options['root_path'] is None and options['share'] is False
    assert options['max_file_size'] == demo.MOST_BYTES and 'warning' not in said
    options, _, said = launched(GRADIO_SERVER_NAME='0.0.0.0', GRADIO_ROOT_PATH='/faces')
    assert options['server_name'] == '0.0.0.0' and options['root_path'] is None  # Gradio reads it
    assert said.startswith('warning: with --host 0.0.0.0 everyone')
    options, _, said = launched('--host', '127.0.0.1', '--port', '7999', '--root-path', '/x',
                                GRADIO_SERVER_NAME='0.0.0.0')
    assert options['server_name'] == '127.0.0.1' and 'warning' not in said
    assert options['server_port'] == 7999 and options['root_path'] == '/x'
    options, _, said = launched('--host', '0.0.0.0', '--auth', 'me:se:cret')
    assert options['auth'] == ('me', 'se:cret') and 'warning' not in said
    for wrong in ('me', 'me:', ':secret', ''):
        with pytest.raises(InputError, match='--auth wants a user and a password'):
            launched('--auth', wrong)


def test_gradio_does_not_ask_a_proxy_for_its_own_page(launched):
    environment = dict(http_proxy='http://127.0.0.1:9', HTTPS_PROXY='http://127.0.0.1:9',
                       ALL_PROXY='socks5://127.0.0.1:9')
    _, proxies, _ = launched(**environment)  # `launched` sees that they are there again afterwards
    assert not proxies & set(environment)


def test_one_clip_at_a_time(page_tool, embedded, monkeypatch):
    """`show` and `fit` run in threads of their own."""
    inside, most, order = [], [], []

    def work(name):
        def call(*_):
            inside.append(name)
            most.append(len(inside))
            time.sleep(0.05)
            order.append(inside.pop())
            raise InputError('enough')
        return call

    monkeypatch.setattr(page_tool, 'look', work('look'))
    monkeypatch.setattr(page_tool, 'zero_shot_threshold', work('fit'))
    page = page_tool.Page(embedded, 'embedded', 'cpu', {})
    calls = (page.show, 'a.avi', 'embedded', (), 0, 1, False), (page.fit, page_tool.FREE,
                                                                 ('fear', 'anger'))
    threads = [threading.Thread(target=call, args=arguments) for call, *arguments in 3 * calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(order) == ['fit'] * 3 + ['look'] * 3 and set(most) == {1}


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason='no chromium in PATH')
def test_the_page_in_a_browser(address, samples, embedded, tmp_path):
    """With ``DEMO_PICTURE=docs/images/demo.png`` in the environment it keeps a picture there."""
    sync_api = pytest.importorskip('playwright.sync_api')
    clip, text = tmp_path / 'my clip.avi', tmp_path / 'notes.txt'
    frames = [frame for i, name in enumerate(('surprise', 'happiness'))
              for frame in demo.make_clip(name, 310, 11 + i, demo.SAMPLES_SEED)]
    demo.write_video(clip, frames)
    text.write_text('hello\n' * 50)

    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport=dict(width=1360, height=900), device_scale_factor=1)
        said, asked = [], []
        page.on('console', lambda m: said.append(m.text) if m.type == 'error' else None)
        page.on('pageerror', lambda error: said.append(str(error)))
        page.on('request', lambda request: asked.append(request.url))
        page.on('websocket', lambda socket: asked.append(socket.url))
        page.goto(address + '?__theme=light')
        shown = page.locator('.answer')

        def expect(sentence):
            sync_api.expect(shown).to_contain_text(sentence, timeout=60_000)

        def choose(*names):
            for name in names:
                page.locator('#known').get_by_label(name).click()

        expect(explanation(embedded(str(samples['happiness']))['predictions'][0]))
        page.set_input_files('#upload input[type=file]', clip)
        result, = embedded(str(clip))['predictions']
        expect(explanation(result))
        assert shown.locator('.label').inner_text() == result['emotion']
        assert shown.locator('.row').count() == len(embedded.known)
        assert shown.locator('circle').count() == len(
            embedded(str(clip), window=1.0)['predictions'])
        pictures = shown.locator('img').evaluate_all(
            'all => all.map(p => [p.complete && p.naturalWidth, p.getBoundingClientRect().right])')
        assert len(pictures) == 1 + 2 * 8
        assert all(width > 100 and right < 1360 for width, right in pictures)
        assert page.locator('#known input').evaluate_all(
            'all => all.every(box => box.disabled)')
        page.locator('#samples button').nth(list(samples).index('surprise')).click()
        expect(explanation(embedded(str(samples['surprise']))['predictions'][0]))
        page.mouse.move(0, 0)
        page.wait_for_timeout(600)  # fades in
        keep(page.screenshot(full_page=True), os.environ.get('DEMO_PICTURE'))
        page.set_input_files('#upload input[type=file]', clip)  # the sample has emptied it
        expect(explanation(result))

        page.locator('#model').get_by_label('zero-shot CLIP').click()
        expect(zero_shot_sentence(clip, CHOSEN))
        choose('anger', 'neutral', 'surprise')
        expect(zero_shot_sentence(clip, ('happiness', 'sadness', 'surprise')))
        assert shown.locator('.row').count() == 3
        choose('happiness', 'sadness')
        expect('Choose at least two known emotions.')
        choose('fear')
        expect(zero_shot_sentence(clip, ('fear', 'surprise')))
        highest = page.locator('#threshold input[type=range]').get_attribute('max')
        page.locator('#threshold input[type=number]').fill(highest)
        expect(f'is below the threshold {float(highest):.2f}')
        assert shown.locator('.label').inner_text() == 'unknown'
        page.locator('#model').get_by_label('HESP, embedded').click()
        expect(explanation(result))
        page.locator('#upload').get_by_label('Clear').click()
        expect('Choose one of the sample clips')
        page.set_input_files('#upload input[type=file]', text)
        expect('notes.txt is not a video')
        page.locator('#samples button').nth(list(samples).index('disgust')).click()
        expect(explanation(embedded(str(samples['disgust']))['predictions'][0]))
        browser.close()
    assert said == []
    assert [url for url in asked if not url.startswith(('data:', 'blob:'))
            and not re.match(r'(http|ws)://127\.0\.0\.1:', url)] == []


def keep(screenshot, path):
    """Look at a picture of the page, and write it with few colours, a third of the size."""
    picture = Image.open(io.BytesIO(screenshot)).convert('RGB')
    assert len(picture.getcolors(2 ** 24)) > 1000
    if path:
        picture.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def zero_shot_sentence(path, known):
    inferencer = demo.zero_shot(known)
    threshold = round(demo.zero_shot_threshold(inferencer)[0], 2)  # as the slider holds it
    return explanation(demo.with_threshold(inferencer(str(path))['predictions'][0], threshold))


@pytest.mark.slow
@pytest.mark.parametrize('config', CONFIGS)
def test_a_model_of_every_method_can_be_looked_into(config, tiny_options, samples, tmp_path):
    options = {key: value for key, value in tiny_options.items()
               if key.startswith(('clip.', 'image_size'))}
    cfg = Config.fromfile(ROOT / config)
    override(cfg, own_options(config, options))
    init_default_scope('mmaction')
    torch.manual_seed(0)
    weights = tmp_path / 'random.pth'
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), weights)
    seen = demo.look(HESPInferencer(cfg, weights), samples['fear'])
    assert seen['frames'].shape == (8, cfg.image_size, cfg.image_size, 3)
    assert (seen['maps'] is not None) == (config in WITH_MAPS)
    assert explanation(seen['result'])[:20] in answer(seen)


@pytest.mark.parametrize('host', ['127.0.0.1', 'localhost', '0.0.0.0'])
def test_an_address_of_this_machine_is_taken(page_tool, host):
    page_tool.check_host(host)


@pytest.mark.parametrize('host', ['192.0.2.1', 'no.such.host.invalid'])  # both reserved by RFCs
def test_an_address_of_no_machine_is_refused_before_gradio_waits_for_it(page_tool, host):
    with pytest.raises(InputError, match=f'--host {host} is no address of this machine'):
        page_tool.check_host(host)
