"""mmengine's Runner with a start that fits a screen."""
import logging
from collections import Counter

from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from ..compat.mends import keep_record

STARTED = Counter()  # runners of this process by the second in which they were made


def is_short(record):
    """Tell whether a log record is for the console.

    Args:
        record (logging.LogRecord): the record.

    Returns:
        bool: False for information of more than four lines, which is in the log file only.
    """
    return record.levelno > logging.INFO or record.getMessage().count('\n') < 4


@RUNNERS.register_module()
class QuietRunner(Runner):
    """A Runner whose console leaves out what fills pages.

    Environment, config and the order of hooks (400 lines) go to the log file only; warnings and
    everything short are on the console too. Our tools use it; with mmengine's Runner, as in
    MMAction2's own tools, only the console differs.

    Runners that one process makes within one second have logs of their own: mmengine keeps the
    logger, the visualizer and the message hub of a process by name and second, and the second
    runner would write into the folder of the first.
    """

    def setup_env(self, env_cfg):
        super().setup_env(env_cfg)
        STARTED[self._timestamp] += 1
        if STARTED[self._timestamp] > 1:
            self._timestamp += f'_{STARTED[self._timestamp]}'

    def build_logger(self, log_level='INFO', log_file=None, **kwargs):
        logger = super().build_logger(log_level, log_file, **kwargs)
        logger.addFilter(keep_record)
        for handler in logger.handlers:
            if isinstance(handler, logging.FileHandler):  # names of files need not be UTF-8
                handler.stream.reconfigure(errors='backslashreplace')
            else:
                handler.addFilter(is_short)
        logger.info(f'environment, config and all that follows: {logger.log_file}')
        return logger
