"""Workers of a loader when SIGTERM goes to all processes of a job, as clusters send it."""
import os
import signal
import subprocess
import sys

import pytest
import torch
from torch.utils.data import DataLoader

from hesp_mmaction.engine.lasting_workers import outlast_sigterm

TRAINING = '''
import os, signal, subprocess, sys, time, torch
from torch.utils.data import DataLoader
from hesp_mmaction.engine.lasting_workers import outlast_sigterm

class Slow(torch.utils.data.Dataset):
    def __len__(self):
        return 400
    def __getitem__(self, index):
        time.sleep(0.02)
        return index

asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
loader = DataLoader(Slow(), 4, num_workers=2, persistent_workers=True)
if sys.argv[1] == 'lasting':
    loader = outlast_sigterm(loader)
for step, batch in enumerate(loader):
    if step == 2:
        subprocess.Popen(['sh', '-c', f'kill -TERM -{os.getpgrp()}'], start_new_session=True)
    time.sleep(0.1)
    if len(asked) and step > 6:
        print('saved')
        break
'''


@pytest.mark.ci
@pytest.mark.parametrize('kind', ['lasting', 'usual'])
def test_a_training_goes_on_until_it_has_saved(kind):
    done = subprocess.run([sys.executable, '-c', TRAINING, kind], start_new_session=True,
                          capture_output=True, text=True, timeout=60)
    if kind == 'lasting':
        assert done.stdout == 'saved\n' and done.returncode == 0, done.stderr[-2000:]
    else:  # what it is for does occur
        assert 'saved' not in done.stdout and 'killed by signal' in done.stderr


def test_its_own_process_ends_a_worker_and_random_numbers_are_seeded():
    begun = DataLoader(range(8), 2, num_workers=1, worker_init_fn=torch.manual_seed,
                       collate_fn=lambda batch: (torch.initial_seed(), os.getpid()))
    loader = outlast_sigterm(outlast_sigterm(begun))
    assert loader is begun
    batches = iter(loader)
    seed, worker = next(batches)
    assert seed == 0  # the number of the worker
    process, = batches._workers
    process.terminate()
    process.join(10)
    assert process.pid == worker and process.exitcode in (0, -signal.SIGTERM)
    del batches


def test_a_loader_without_workers_stays():
    assert outlast_sigterm(DataLoader(range(8))).worker_init_fn is None
