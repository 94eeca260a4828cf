"""
`python -m example_apps`: flags to flip on a page, and three shops that follow.
"""

from __future__ import annotations

import argparse
import random
import shutil
import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from example_apps.program import Program
from example_apps.stage import Interruption, Stage

_FLAGS = Path(__file__).with_name("flags.yaml")

#: Where free ports are looked for when any will do: below the lowest that Linux gives to outgoing connections (32768).
_ANY_PORTS = (20_000, 32_000)
#: The flag server's usual port; the shops take the three that follow it.
_FIRST_PORT = 8099

#: How many ports above one that is taken to try.
_PORTS_TO_TRY = 200

#: The highest port that leaves room for the others and for looking: 16 bits.
_LAST_FIRST_PORT = 65535 - _PORTS_TO_TRY - 4


def main() -> None:
    """
    Run the four programs as the command line says.

    Raises:
        SystemExit: always; see `Stage.run`, and with status 2 for arguments that can't be right.
    """
    options = _options()
    interruption = Interruption()
    with TemporaryDirectory(prefix="flagcore-examples-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        path = options.flags or Path(shutil.copy(_FLAGS, folder))
        Stage(path.resolve(), _free_ports(options.port, 4), folder, interruption).run(_announce)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m example_apps", description=__doc__.split(": ", 1)[1])
    parser.add_argument(
        "--flags",
        type=Path,
        metavar="PATH",
        help="a definition file of your own, which the page then changes (default: a copy of the examples')",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=_FIRST_PORT,
        help="the flag server's; the shops take the next three, or what is free above; 0: any (default: %(default)s)",
    )
    options = parser.parse_args()
    if options.flags is not None and not options.flags.is_file():
        parser.error(f"--flags: expected a definition file, got nothing at {options.flags}")
    if not 0 <= options.port <= _LAST_FIRST_PORT:
        parser.error(f"--port: expected 0 to {_LAST_FIRST_PORT}, got {options.port}")
    return options


def _free_ports(first: int, count: int) -> list[int]:
    # All are held until all are found: no port is found twice.
    with ExitStack() as held:
        # Any: from below those that connections take for themselves, which could take one before its server does.
        first = first or random.randrange(*_ANY_PORTS)
        return [held.enter_context(_bound(port)).getsockname()[1] for port in range(first, first + count)]


def _bound(port: int) -> socket.socket:
    for each in range(port, port + _PORTS_TO_TRY):
        found = socket.socket()
        # As servers do: a port whose last connections are still fading is free. Windows reads the option otherwise.
        if sys.platform != "win32":
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind(("127.0.0.1", each))
            found.listen()  # bound alone, it could be bound again
        except OSError:
            found.close()
        else:
            return found
    sys.exit(f"ports {port} to {port + _PORTS_TO_TRY - 1} are all taken: choose others with --port")


def _announce(programs: list[Program]) -> None:
    server, *shops = programs
    width = max(len(program.name) for program in programs)
    print(f"{server.name:<{width}}  {server.url}   flip one here: the shops follow at once")
    for shop in shops:
        print(f"{shop.name:<{width}}  {shop.url}")
    print("Ctrl-C stops all four.", flush=True)


if __name__ == "__main__":
    main()
