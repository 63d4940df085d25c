"""What the tests of the tools share."""
import pytest


@pytest.fixture(scope='session')
def options(tiny_options):
    """--cfg-options that make the AFEW config small, for two epochs."""
    return tiny_options | {'train_cfg.max_epochs': 2, 'optim_wrapper.optimizer.lr': 0.1}
