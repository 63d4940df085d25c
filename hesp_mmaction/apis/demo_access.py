"""Who can see the demo page: what its command line means to Gradio."""
import os
import socket
import sys

from ..errors import InputError
from .demo import MOST_BYTES

OURS = ('127.0.0.1', 'localhost', '::1')


def launch_options(args):
    """Translate the command line for Gradio.

    Args:
        args (argparse.Namespace): of ``tools/demo.py``.

    Returns:
        dict: arguments of ``Blocks.launch``.

    Raises:
        InputError: ``--auth`` is no user and password.
    """
    user, colon, password = (args.auth or '').partition(':')
    if args.auth is not None and not (user and colon and password):
        raise InputError('--auth wants a user and a password, as in --auth me:secret')
    return dict(server_name=args.host, server_port=args.port, root_path=args.root_path,
                auth=(user, password) if args.auth else None, max_file_size=MOST_BYTES)


def for_us_only(args):
    """Tell whether only this machine can reach the page.

    Args:
        args (argparse.Namespace): of ``tools/demo.py``.

    Returns:
        bool: False if another machine can reach it, also through a web server in front of it.
    """
    return args.host in OURS and not (args.root_path or os.environ.get('GRADIO_ROOT_PATH'))


def warn_of_strangers(args):
    """Print a warning if other machines see the page and it has no password.

    Args:
        args (argparse.Namespace): of ``tools/demo.py``.
    """
    if args.auth is None and args.host not in OURS:
        print(f'warning: with --host {args.host} everyone who reaches this machine can use the '
              'page and have it read their files; --auth USER:PASSWORD asks for a password',
              file=sys.stderr)


def check_host(host):
    """Refuse an address that is not this machine's. Gradio would wait for it for ever.

    Args:
        host (str): name or address.

    Raises:
        InputError: nothing can listen there.
    """
    try:
        family, kind, *_, address = socket.getaddrinfo(
            host.strip('[]'), 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as listener:
            listener.bind(address)
    except OSError as error:
        raise InputError(f'--host {host} is no address of this machine ({error}): 127.0.0.1 is '
                         'for this machine only, 0.0.0.0 for all that reach it') from error
