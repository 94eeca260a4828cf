"""
What the process that a client lives in lets it do, and what is that process's own; internal.

Only uWSGI's processes are unlike any other. Its master loads the application, then forks its workers without Python's
at-fork hooks, and it may do so while a thread holds the interpreter's lock: whoever starts a thread in it can leave all
workers frozen.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

__all__ = ["ProcessLock", "is_nursery", "threads_run"]


class ProcessLock:
    """
    A re-entrant lock, one for each process: a child never waits for one that its parent held at the fork. Told apart
    by the process's id, since not every fork runs hooks; made when first used, since gevent may come after the fork.
    """

    def __init__(self) -> None:
        self._locks: dict[int, threading.RLock] = {}

    def __enter__(self) -> None:
        self.own().acquire()

    def __exit__(self, *_: object) -> None:
        self.own().release()

    def own(self) -> threading.RLock:
        """
        This process's.
        """
        return self._locks.setdefault(os.getpid(), threading.RLock())


def is_nursery() -> bool:
    """
    Whether this process only brings up others that do the work: uWSGI's, until it is a worker, a mule or a spooler.
    """
    uwsgi = _uwsgi()
    return uwsgi is not None and not (uwsgi.worker_id() or uwsgi.mule_id() or uwsgi.i_am_the_spooler())


def threads_run() -> bool:
    """
    Whether a thread goes on by itself. Under a uWSGI before 2.0.26 that was not told `enable-threads`, all stand still
    but while a request runs Python code.
    """
    uwsgi = _uwsgi()
    return uwsgi is None or bool(uwsgi.has_threads)


def _uwsgi() -> Any:
    # The server's own module is there from the start; a project may well have one that is named so.
    found = sys.modules.get("uwsgi")
    return found if hasattr(found, "has_threads") and hasattr(found, "worker_id") else None
