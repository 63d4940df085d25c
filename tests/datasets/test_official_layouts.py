"""Every data set in its official layout, made tiny: what is read, counted and refused."""
import collections
import logging
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope

from hesp_mmaction.datasets import BASIC, COMPOUNDS, MAFW, AFEWDataset, MAFWDataset
from hesp_mmaction.datasets.emotions import UNDECODABLE
from hesp_mmaction.datasets.list_cells import ListedClip
from hesp_mmaction.datasets.mafw import compound_task
from hesp_mmaction.datasets.synthetic.layouts import mafw_lists, plan_mafw
from hesp_mmaction.errors import InputError

ROOT = Path(__file__).parents[2]
LISTS = 'Train & Test Set/{}/{}/set_{}/{}.txt'
FRAME = cv2.imencode('.jpg', np.full((16, 16, 3), 90, np.uint8))[1].tobytes()


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def write_frames(folder, names=('1.jpg', '2.jpg')):
    for name in names:
        write(folder / name, FRAME)


def build(dataset, root, part='train', known=BASIC[:3], pipeline=(), **kwargs):
    return DATASETS.build(dict(type=dataset, data_root=str(root), known=list(known), part=part,
                               pipeline=list(pipeline), **kwargs))


def counts(data):
    return collections.Counter(data.get_data_info(i)['emotion'] for i in range(len(data)))


def ids(data):
    return [data.get_data_info(i)['sample_id'] for i in range(len(data))]


@pytest.fixture
def messages(monkeypatch):
    logged = []
    for module in ('listed_clips', 'openset', 'mafw'):
        monkeypatch.setattr(f'hesp_mmaction.datasets.{module}.print_log',
                            lambda text, logger=None, level=logging.INFO: logged.append(text))
    return logged


@pytest.fixture(scope='module')
def video(tmp_path_factory, write_clip):
    path = tmp_path_factory.mktemp('video') / 'a.avi'
    write_clip(path, np.zeros((9, 32, 32, 3), np.uint8))
    return path.read_bytes()


@pytest.fixture
def mafw(tmp_path, video):
    """The planned synthetic data set with its lists; one short video stands for every clip."""
    root = tmp_path / 'my MAFW'
    entries = plan_mafw(0, (2, 2))
    for entry in entries:
        write(root / entry.path, video)
    for name, text in mafw_lists(entries).items():
        write(root / name, text.encode())
    return root


def listed(root, kind, part):
    """Counts by the official list itself."""
    text = (root / LISTS.format(kind, 'no_caption', 1, part)).read_text()
    return collections.Counter(line.split()[1] for line in text.splitlines())


# ----------------------------------------------------------------------------------- MAFW
def test_mafw_has_the_clips_of_its_lists(mafw, messages):
    assert counts(build('MAFWDataset', mafw, 'test')) == listed(mafw, 'single', 'test')
    known = MAFW[5:]
    expected = listed(mafw, 'single', 'train')
    train = build('MAFWDataset', mafw, known=known)
    assert counts(train) == {name: expected[name] for name in known}
    assert train.metainfo['classes'] == known and train.metainfo['unknown'] == MAFW[:5]
    assert ids(train)[0].startswith('data/clips/000') and ids(train)[0].endswith('.mp4')
    assert any('contempt 2, anxiety 2' in text for text in messages)


@pytest.mark.parametrize('fold', [1, 2, 3, 4, 5])
def test_every_fold_with_captions_that_are_not_utf8(mafw, fold):
    for part, first in (('train', 0), ('test', 22)):
        lines = [f'{first + i + 1:05d}.mp4\t{MAFW[(i + fold) % 11]}\tHis\x92 \xb4\xf2\x85 brows'
                 for i in range(22)]
        for kind in ('single', 'compound'):
            write(mafw / LISTS.format(kind, 'with_caption', fold, part),
                  '\r\n'.join(lines).encode('latin-1'))
    shutil.rmtree(mafw / 'Train & Test Set/single/no_caption')
    data = build('MAFWDataset', mafw, 'test', fold=fold)
    assert len(data) == 22
    assert data.get_data_info(0)['emotion'] == MAFW[fold % 11]
    assert counts(data) == dict.fromkeys(MAFW, 2)


def test_mafw_compound_lists(mafw):
    data = build('MAFWDataset', mafw, 'test', known=COMPOUNDS[:4], kind='compound')
    assert counts(data) == listed(mafw, 'compound', 'test') and set(counts(data)) == set(COMPOUNDS)
    assert len(data.metainfo['all_classes']) == 43


def test_mafw_as_folders_of_frames(mafw):
    for clip in (mafw / 'data/clips').iterdir():
        write_frames(mafw / 'data/faces' / clip.stem)
    data = build('MAFWDataset', mafw, 'test', clips='data/faces')
    assert counts(data) == listed(mafw, 'single', 'test')
    assert ids(data)[0].startswith('data/faces/') and not ids(data)[0].endswith('.mp4')


@pytest.mark.parametrize('fold', [0, 6, '1'])
def test_a_fold_that_is_none(mafw, fold):
    with pytest.raises(InputError, match='fold must be 1 to 5'):
        build('MAFWDataset', mafw, fold=fold)


def test_missing_lists_say_where_and_how(mafw, tmp_path):
    with pytest.raises(FileNotFoundError, match='set_2/train.txt.*make_synthetic.py'):
        build('MAFWDataset', mafw, fold=2)
    with pytest.raises(FileNotFoundError, match='no folder .*nowhere'):
        build('MAFWDataset', tmp_path / 'nowhere')
    with pytest.raises(InputError, match="kind must be 'single' or 'compound'"):
        build('MAFWDataset', mafw, kind='multi')


# ------------------------------------------------------------------------------- problems
def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_all_that_is_wrong_is_said_at_once(mafw):
    train = mafw / LISTS.format('single', 'no_caption', 1, 'train')
    test = mafw / LISTS.format('single', 'no_caption', 1, 'test')
    edit(train, '00004.mp4 happiness', '00004.mp4 bored')
    train.write_text(train.read_text() + '00001.mp4 anger\n')    # again
    test.write_text(test.read_text() + '00002.mp4 disgust\n')    # is in train
    edit(test, '00029.mp4 sur', '00029.mp4 anger_sur')           # not a single emotion
    (mafw / 'data/clips/00003.mp4').unlink()
    (mafw / 'data/clips/00031.mp4').write_bytes(b'')
    edit(test, '00032.mp4 helplessness', '00032.mp4')
    for part in ('train', 'test'):
        with pytest.raises(InputError) as caught:
            build('MAFWDataset', mafw, part)
        said = str(caught.value)
        assert '\n' not in said
        for what in ('train.txt:4: label bored is no emotion', '1 clips listed twice',
                     '1 clips both in training and test', '00002.mp4', 'anger_surprise',
                     '00003.mp4 (no such file)', '00031.mp4 (empty file)', 'test.txt:10: '):
            assert what in said, what


def test_bad_clips_alone_are_left_out_or_stop(mafw, messages):
    (mafw / 'data/clips/00003.mp4').unlink()
    (mafw / 'data/clips/00012.mp4').write_bytes(b'')
    assert counts(build('MAFWDataset', mafw)) == dict(anger=1, disgust=2, fear=1)
    assert any('2 bad clips left out' in text and '00003.mp4 (no such file)' in text
               for text in messages)
    with pytest.raises(InputError, match='2 bad clips; remove them or set on_bad_clip="skip"'):
        build('MAFWDataset', mafw, on_bad_clip='raise')


def test_a_wrong_folder_of_clips_is_one_line(mafw):
    shutil.rmtree(mafw / 'data')
    with pytest.raises(InputError, match='none of its 6 clips can be opened; check data_root') as e:
        build('MAFWDataset', mafw)
    assert len(str(e.value)) < 2500


def test_a_linked_clip_of_both_parts(tiny_afew, tmp_path):
    root = shutil.copytree(tiny_afew, tmp_path / 'afew')
    clip = root / 'Val_AFEW' / 'Fear' / '000.avi'
    clip.unlink()
    clip.symlink_to(root / 'Train_AFEW' / 'Fear' / '000.avi')
    with pytest.raises(InputError, match='1 clips both in training and test.*Fear/000.avi'):
        build('AFEWDataset', root)
    assert len(build('AFEWDataset', root, known=['anger', 'sad'])) == 4  # then it is not trained on


# ---------------------------------------------------------------------------------- lists
def four_columns(root, part, absolute):
    number = dict(zip(MAFW, range(11), strict=True))
    text = (root / LISTS.format('single', 'no_caption', 1, part)).read_text()
    prefix = f'{root}/' if absolute else ''
    return [(f'{prefix}data/clips/{file}', 9, number[name], name.capitalize())
            for file, name in map(str.split, text.splitlines())]


@pytest.mark.parametrize('absolute', [False, pytest.param(True, marks=pytest.mark.ci)])
def test_the_lists_of_hesp_and_dfer_clip_load_the_same_clips(mafw, absolute):
    dfer = ('happiness', 'sadness', 'neutral', 'anger', 'surprise', 'disgust', 'fear') + MAFW[7:]
    for part in ('train', 'test'):
        rows = four_columns(mafw, part, absolute)
        write(mafw / f'hesp {part}.txt', ''.join(
            f'{path} {n} {label} {name}\r\n' for path, n, label, name in rows).encode())
        write(mafw / f'dfer {part}.txt', ''.join(
            f'{path} {n} {dfer.index(MAFW[label])}\n' for path, n, label, _ in rows).encode())
    hesp, dfer_clip = (dict(train=f'{kind} train.txt', test=f'{kind} test.txt')
                       for kind in ('hesp', 'dfer'))
    for part in ('train', 'test'):
        official = build('MAFWDataset', mafw, part)
        for kind in ('MAFWDataset', 'ListDataset'):
            data = build(kind, mafw, part, lists=hesp)
            other = build(kind, mafw, part, lists=dfer_clip, id_order='dfer_clip')
            for i in range(len(official)):
                assert data.get_data_info(i) == other.get_data_info(i) == official.get_data_info(i)
            assert len(data) == len(other) == len(official)
            assert data.metainfo == official.metainfo
    with pytest.raises(InputError, match="dfer train.txt.*id_order to .*'dfer_clip'"):
        build('MAFWDataset', mafw, lists=dfer_clip)


def test_arguments_about_lists(mafw):
    with pytest.raises(InputError, match='lists must name two files, train and test'):
        build('MAFWDataset', mafw, lists=dict(train='a.txt'))
    with pytest.raises(InputError, match='id_order=.hesp.*set lists'):
        build('MAFWDataset', mafw, id_order='hesp')
    with pytest.raises(FileNotFoundError, match='no list file .*a.txt'):
        build('MAFWDataset', mafw, lists=dict(train='a.txt', test='b.txt'))


@pytest.fixture
def folders(tmp_path):
    """Folders of frames, seven emotions and contempt, three of each in both parts."""
    for part in ('train', 'test'):
        for name in (*BASIC, 'contempt'):
            for i in range(3):
                write_frames(tmp_path / part / name / str(i))
    return tmp_path


def write_lists(root, line, names=BASIC, ending='txt', head=''):
    for part in ('train', 'test'):
        write(root / f'{part}.{ending}', (head + ''.join(
            line.format(f'{part}/{name}/{i}', k) + '\n' for k, name in enumerate(names)
            for i in range(3))).encode())
    return dict(train=f'train.{ending}', test=f'test.{ending}')


@pytest.mark.parametrize('dataset, line, ending, head', [
    ('AFEWDataset', '{} 12 {}', 'txt', ''), ('DFEWDataset', '{} {}', 'txt', ''),
    ('ListDataset', '{},{}', 'csv', 'clip,target\n')])
def test_integers_that_the_folders_contradict_stop(folders, dataset, line, ending, head):
    lists = write_lists(folders, line, ending=ending, head=head)
    with pytest.raises(InputError, match='21 of 21 clips.*id_order=dfer_clip.*id_order=alpha'):
        build(dataset, folders, lists=lists, id_order='dfer_clip')
    for order in ('alphabetical', None):  # None: the folders prove it
        data = build(dataset, folders, 'test', lists=lists, id_order=order)
        assert counts(data) == dict.fromkeys(BASIC, 3)
        assert all(data.get_data_info(i)['emotion'] in ids(data)[i] for i in range(21))


@pytest.mark.parametrize('dataset', ['AFEWDataset', 'ListDataset'])
def test_integers_from_1_make_no_contempt(folders, dataset):
    for part in ('train', 'test'):
        for k in range(1, 8):
            write_frames(folders / part / str(k))
    for part in ('train', 'test'):
        write(folders / f'{part}.txt',
              ''.join(f'{part}/{k} {k}\n' for k in range(1, 8)).encode())
    lists = dict(train='train.txt', test='test.txt')
    with pytest.raises(InputError, match='1 to 7, all of these.*set id_order=1,alphabetical'):
        build(dataset, folders, lists=lists, id_order='hesp')
    with pytest.raises(InputError, match='train.txt has integer labels .1 to 7'):
        build(dataset, folders, lists=lists)
    data = build(dataset, folders, 'test', lists=lists, id_order=[1, 'alphabetical'])
    assert data.metainfo['all_classes'] == BASIC


def test_a_list_with_an_emotion_that_the_data_set_lacks_names_one_option(folders):
    lists = write_lists(folders, '{} {}', names=(*BASIC, 'contempt'))
    with pytest.raises(InputError, match='3 clips of classes that AFEWDataset does not have.*'
                                         'set classes=found'):
        build('AFEWDataset', folders, lists=lists, id_order='hesp')
    data = build('AFEWDataset', folders, 'test', lists=lists, id_order='hesp', classes='found',
                 known=['contempt', 'anger'])
    assert data.metainfo['all_classes'] == (*BASIC, 'contempt') and len(data) == 24
    with pytest.raises(InputError, match='ListDataset does not take faces: .*set classes=found'):
        build('ListDataset', folders, lists=lists, id_order='hesp', faces=False)
    with pytest.raises(InputError, match='ListDataset needs two lists: set lists.train'):
        build('ListDataset', folders)
    with pytest.raises(InputError, match='FusionDataset needs the folder of MAFW: set mafw_root'):
        build('FusionDataset', folders)


def test_lists_of_windows_and_of_excel(folders):
    rows = [(f'{part}\\{name}\\{i}', name) for part in ('train', 'test') for name in BASIC
            for i in range(3)]
    for part, encoding in (('train', 'utf-16'), ('test', 'utf-8-sig')):
        write(folders / f'{part}.txt', ('Clip\tEmotion\r\n' + ''.join(
            f'"{path}"\t{name}\r\n' for path, name in rows if path.startswith(part))
            ).encode(encoding))
    lists = dict(train='train.txt', test='test.txt')
    data = build('AFEWDataset', folders, 'test', lists=lists)
    assert len(data) == 21 and ids(data)[0] == 'test/anger/0'
    for part in ('train', 'test'):
        write(folders / f'{part}.txt', ''.join(
            f'D:\\clips\\{path} {name}\n' for path, name in rows if path.startswith(part)).encode())
    with pytest.raises(InputError, match='train.txt: 21 paths are on a drive of another computer'):
        build('AFEWDataset', folders, lists=lists)


def test_a_name_that_is_not_utf8_is_read_and_can_be_written_anywhere(folders, messages):
    name = os.fsdecode(b'caf\xe9')
    (folders / 'test/anger/0').rename(folders / 'test/anger' / name)
    (folders / 'test/anger/1').rename(folders / 'test/anger' / f'{name} empty')
    for frame in (folders / 'test/anger' / f'{name} empty').iterdir():
        frame.unlink()
    lists = write_lists(folders, '{} {}')
    path = folders / 'test.txt'
    path.write_bytes(path.read_bytes().replace(b'anger/0 ', b'anger/caf\xe9 ').replace(
        b'anger/1 ', b'anger/caf\xe9 empty '))
    data = build('AFEWDataset', folders, 'test', lists=lists, id_order='hesp')
    assert len(data) == 20 and 'test/anger/caf\\xe9' in ids(data)
    info = data.get_data_info(ids(data).index('test/anger/caf\\xe9'))
    assert os.path.isdir(info['filename'])
    for text in (*ids(data), *messages, *data.every_clip()):
        text.encode('utf-8')  # logs, JSON, csv and dumps take it
    assert any('caf\\xe9 empty (no images in this folder)' in text for text in messages)


# ------------------------------------------------------------------------- the joint tasks
def test_compound_task_on_the_synthetic_layout(mafw, messages):
    train = build('MAFWCompoundDataset', mafw, known=BASIC)
    test = build('MAFWCompoundDataset', mafw, 'test', known=BASIC)
    single = listed(mafw, 'single', 'test')
    assert counts(train) == dict.fromkeys(BASIC, 2)
    assert counts(test) == {n: single[n] for n in BASIC} | listed(mafw, 'compound', 'test')
    assert test.metainfo['unknown'] == COMPOUNDS
    for i in range(len(test)):
        info = test.get_data_info(i)
        assert (info['label'] == -1) == ('_' in info['emotion'])
    assert not any('left out' in text for text in messages)


def test_a_clip_that_is_tested_as_a_compound_is_no_example_of_a_basic_emotion(mafw, messages):
    singles = [ListedClip('1', 'anger'), ListedClip('2', 'fear'), ListedClip('3', 'contempt')]
    compounds = [ListedClip('1', 'anger_disgust'), ListedClip('4', 'anger_contempt'),
                 ListedClip('2', 'fear')]
    assert compound_task(singles, compounds, 'train') == ([ListedClip('2', 'fear')], 1)
    assert compound_task(singles, compounds, 'test') == (
        [ListedClip('2', 'fear'), ListedClip('1', 'anger_disgust')], 1)
    path = mafw / LISTS.format('compound', 'no_caption', 1, 'test')
    path.write_text(path.read_text() + '00001.mp4 anger_disgust\n')
    assert counts(build('MAFWCompoundDataset', mafw, known=BASIC))['anger'] == 1
    assert any(text.startswith('1 clips of the single list (train)') for text in messages)


def test_fusion(tiny_afew, mafw):
    train = build('FusionDataset', tiny_afew, known=BASIC, mafw_root=str(mafw))
    test = build('FusionDataset', tiny_afew, 'test', known=BASIC, mafw_root=str(mafw))
    assert counts(train) == dict.fromkeys(BASIC, 4)
    assert counts(test) == dict.fromkeys(BASIC, 4) | dict.fromkeys(MAFW[7:], 2)
    assert test.metainfo['unknown'] == MAFW[7:]
    assert {'AFEW/Val_AFEW/Angry/000.avi', 'MAFW/data/clips/00023.mp4'} <= set(ids(test))
    assert len(set(ids(test))) == len(test) and not any('..' in name for name in ids(test))
    assert {name[:5] for name in ids(train)} == {'AFEW/', 'MAFW/'}
    with pytest.raises(FileNotFoundError, match='MAFW: no list file .*nowhere'):
        build('FusionDataset', tiny_afew, known=BASIC, mafw_root='nowhere')


# ----------------------------------------------------------------------- folders of frames
def pipeline(part):
    init_default_scope('mmaction')
    config = Config.fromfile(ROOT / 'configs/_base_/datasets/afew.py')
    return Compose(config[f'{part}_pipeline'])


@pytest.mark.parametrize('inside', ['', 'Train_AFEW/'])
def test_aligned_faces_of_afew(tiny_afew, tmp_path, inside):
    root = tmp_path / 'afew'
    for n, folder in enumerate(('Angry', 'Disgust', 'Fear', 'Sad')):
        write(root / 'Train_AFEW' / folder / f'00{n}.avi', b'never opened')
        write_frames(root / f'{inside}AlignedFaces_LBPTOP_Points/Faces/00{n}', ('00-001.jpg',))
    data = build('AFEWDataset', root, faces=True)
    assert ids(data) == [f'{inside}AlignedFaces_LBPTOP_Points/Faces/00{n}' for n in range(3)]
    assert counts(data) == dict(anger=1, disgust=1, fear=1)
    with pytest.raises(FileNotFoundError, match='Train_AFEW.*make_synthetic'):
        shutil.rmtree(root / 'Train_AFEW')
        AFEWDataset(str(root), known=BASIC[:3], part='train', pipeline=[], faces=True)
    with pytest.raises(FileNotFoundError, match='AlignedFaces_LBPTOP_Points/Faces; unpack'):
        build('AFEWDataset', tiny_afew, faces=True)


@pytest.fixture
def dfew(tmp_path):
    """Fold 2 with two clips per class and part; numbers with and without leading zeros."""
    root = tmp_path / 'DFEW'
    for p, part in enumerate(('train', 'test')):
        rows = [(1 + p * 14 + i, i % 7 + 1) for i in range(14)]
        write(root / f'EmoLabel_DataSplit/{part}(single-labeled)/set_2.csv', (
            'video_name,label\r\n' + ''.join(f'{n},{label}\r\n' for n, label in rows)).encode())
        for number, _ in rows:
            write_frames(root / f'Clip/clip_224x224/{number:05d}')
    return root


def test_dfew(dfew):
    test = build('DFEWDataset', dfew, 'test', fold=2)
    assert counts(test) == dict.fromkeys(BASIC, 2)
    assert test.get_data_info(0)['sample_id'] == 'Clip/clip_224x224/00015'
    assert test.get_data_info(0)['emotion'] == 'happiness'
    for part, size in (('train', 6), ('test', 14)):
        data = build('DFEWDataset', dfew, part, fold=2, pipeline=[pipeline(part)])
        assert len(data) == size and data[0]['inputs'].shape == (8, 3, 224, 224)
    with pytest.raises(FileNotFoundError, match='set_1.csv; ask its authors'):
        build('DFEWDataset', dfew)


def test_a_broken_frame_is_replaced_in_training_and_marked_in_a_test(dfew, messages):
    for number in (4, 18):
        for frame in (dfew / f'Clip/clip_224x224/{number:05d}').iterdir():
            frame.write_bytes(b'no picture')
    train = build('DFEWDataset', dfew, fold=2, pipeline=[pipeline('train')])
    assert len([train[i] for i in range(6)]) == 6 and len(train.broken) == 1
    test = build('DFEWDataset', dfew, 'test', fold=2, pipeline=[pipeline('test')])
    sample = test[3]['data_samples']
    assert sample.sample_id.endswith('00018') and sample.emotion == UNDECODABLE
    strict = build('DFEWDataset', dfew, 'test', fold=2, pipeline=[pipeline('test')],
                   on_bad_clip='raise')
    with pytest.raises(InputError, match='00018 cannot be decoded.*1.jpg'):
        strict[3]


def test_ferv39k(tmp_path):
    folders = dict(zip(('Angry', 'Disgust', 'Fear', 'Happy', 'Neutral', 'Sad', 'Surprise'), BASIC,
                       strict=True))
    for part, number in (('train', '0267'), ('test', '0001')):
        write(tmp_path / f'4_setups/All_scenes/{part}_All.csv', ''.join(
            f'Daily Life/{folder}/{number} {folder}\n' for folder in folders).encode())
        for folder in folders:
            write_frames(tmp_path / f'2_ClipsforFaceCrop/Daily Life/{folder}/{number}')
    for part in ('train', 'test'):
        data = build('FERV39kDataset', tmp_path, part, known=BASIC, closed_set=True)
        assert counts(data) == dict.fromkeys(BASIC, 1)
    assert ids(data)[0] == '2_ClipsforFaceCrop/Daily Life/Angry/0001'
    with pytest.raises(FileNotFoundError, match='train_All.csv; ask its authors'):
        build('FERV39kDataset', tmp_path / '4_setups')


# ------------------------------------------------------------------------------ closed set
def test_a_closed_set_is_possible_on_request_only(mafw):
    data = build('MAFWDataset', mafw, 'test', known=MAFW, closed_set=True)
    assert data.metainfo['unknown'] == () and data.metainfo['closed_set']
    assert min(data.get_data_info(i)['label'] for i in range(len(data))) == 0
    assert not build('MAFWDataset', mafw).metainfo['closed_set']
    with pytest.raises(InputError, match='leave at least one out.*closed_set=True'):
        build('MAFWDataset', mafw, known=MAFW)
    with pytest.raises(InputError, match='add disappointment or set closed_set=False'):
        MAFWDataset(str(mafw), known=MAFW[:10], part='test', pipeline=[], closed_set=True)
