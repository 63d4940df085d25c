"""What --task, --openness, --split and --known of one command line make of a config."""
import json

import pytest
from mmengine.config import Config
from test_tools import ROOT

from hesp_mmaction.apis.protocol import split_config
from hesp_mmaction.apis.running import parser, read_config
from hesp_mmaction.errors import InputError

# The published splits, read past the package's own functions.
SPLITS = json.loads((ROOT / 'hesp_mmaction/datasets/splits.json').read_text(encoding='utf-8'))
CLOSED = 'dfer_clip_mafw_closed.py'


def chosen(words, config='hesp_afew_o34.py'):
    """The config of a command line of tools/train.py."""
    return read_config(parser('').parse_args([str(ROOT / 'configs' / config), *words.split()]))


@pytest.mark.parametrize('words, dataset, openness, split, kind', [
    ('--openness 5:2', 'AFEW', '5:2', 0, 'AFEWDataset'),
    ('--openness 5:2 --split 3', 'AFEW', '5:2', 3, 'AFEWDataset'),
    ('--split 2', 'AFEW', '3:4', 2, 'AFEWDataset'),
    ('--task mafw --openness 6:5 --split 4', 'MAFW', '6:5', 4, 'MAFWDataset'),
    ('--task dfew', 'DFEW', '3:4', 0, 'DFEWDataset'),  # the config's own openness
    ('--task dfew --split 1', 'DFEW', '3:4', 1, 'DFEWDataset'),
    ('--task fusion', 'fusion', '7:4', 0, 'FusionDataset'),  # the task's only one
    ('--task compound', 'compound', '7:9', 0, 'MAFWCompoundDataset')])
def test_data_openness_and_split_are_those_of_the_command_line(words, dataset, openness, split,
                                                               kind):
    cfg = chosen(words)
    names = SPLITS[dataset][openness][split]
    assert cfg.protocol.to_dict() == dict(dataset=dataset, openness=openness)
    assert list(cfg.known) == list(cfg.model.known) == names
    for part in ('train', 'val', 'test'):
        data = cfg[f'{part}_dataloader'].dataset
        assert data.type == kind and list(data.known) == names


@pytest.mark.parametrize('words, config, said', [
    ('--task mafw', 'hesp_afew_o34.py',
     'task mafw has the opennesses 8:3, 6:5, 5:6, 3:8: name one with --openness'),
    ('--task mafw --openness 3:4', 'hesp_afew_o34.py', "no published MAFW openness '3:4'; there "),
    ('--task compound --split 1', 'hesp_afew_o34.py', 'no published compound 7:9 split 1; there '),
    ('--task affectnet', 'hesp_afew_o34.py', "no task is named 'affectnet'; choose one of "),
    ('--openness 7:1', 'hesp_afew_o34.py', "no published AFEW openness '7:1'; there are: "),
    ('--openness 5:2 --known anger fear', 'hesp_afew_o34.py', 'give --known or --openness, not'),
    ('--split 1 --known anger fear', 'hesp_afew_o34.py', 'give --known or --split, not both'),
    ('--openness 5:6', CLOSED, 'the config has no `protocol`, so it has no --openness')])
def test_a_combination_that_does_not_exist_is_one_message(words, config, said):
    with pytest.raises(InputError) as caught:
        chosen(words, config)
    assert str(caught.value).startswith(said) and '\n' not in str(caught.value)


def test_a_split_of_a_closed_set_is_a_fold_and_a_task_opens_it():
    cfg = chosen('--split 2', CLOSED)
    assert [cfg[f'{part}_dataloader'].dataset.fold for part in ('train', 'val', 'test')] == [2] * 3
    assert 'protocol' not in cfg and len(cfg.known) == 11
    cfg = chosen('--task mafw --openness 5:6 --split 1', CLOSED)
    data = cfg.train_dataloader.dataset
    assert list(data.known) == SPLITS['MAFW']['5:6'][1] and 'closed_set' not in data


def test_known_emotions_of_ones_own_on_the_data_of_a_task():
    cfg = chosen('--task mafw --known contempt anger')
    assert list(cfg.model.known) == ['contempt', 'anger']
    assert cfg.test_dataloader.dataset.type == 'MAFWDataset'


@pytest.mark.parametrize('words, arguments', [
    ('--task mafw --openness 6:5 --split 4', dict(task='mafw', openness='6:5', split=4)),
    ('--openness 4:3 --split 1', dict(openness='4:3', split=1)), ('--split 3', dict(split=3))])
def test_a_training_and_a_run_of_a_protocol_have_the_same_config(words, arguments):
    path = str(ROOT / 'configs/hesp_afew_o34.py')
    cfg, other = chosen(words), split_config(path, **arguments)
    for key in ('model', 'train_dataloader', 'test_dataloader', 'protocol', 'known', 'data_root'):
        assert Config(dict(x=cfg[key])).to_dict() == Config(dict(x=other[key])).to_dict(), key
