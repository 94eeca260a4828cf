"""
What a thread reaches for while it reads flags: locks, and all that Python tells its auditors of (files, sockets, new
threads, imports, sleep).

Import it, and call `listen`, before anything that makes locks.
"""

from __future__ import annotations

import _thread
import sys
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["heard", "listen", "reading"]

#: The threads that are reading at this moment.
reading: set[int] = set()

#: What they were heard to reach for; the first few.
heard: list[str] = []

_MOST = 20

#: What is computation and nothing else: a flag's rules are compiled when it is first read.
_COMPUTING = ("builtins.id", "compile", "exec", "code.__new__", "object.__", "sys._getframe", "gc.")


def listen() -> None:
    """
    From here on, hear of every lock made by `threading.Lock` and `threading.RLock`, and of every audited event.
    """
    threading.Lock = _listening(_thread.allocate_lock)  # type: ignore[assignment]
    threading.RLock = _listening(_thread.RLock)  # type: ignore[assignment]
    sys.addaudithook(_audited)


def _hear(what: str) -> None:
    if _thread.get_ident() in reading and len(heard) < _MOST:
        frame = sys._getframe(2)
        heard.append(f"{what} at {frame.f_code.co_filename}:{frame.f_lineno}")


def _audited(event: str, _: tuple[Any, ...]) -> None:
    if not event.startswith(_COMPUTING):
        _hear(event)


def _listening(make: Callable[[], Any]) -> Callable[[], Any]:
    class Listening:
        """
        A lock that tells when a reading thread takes it.
        """

        def __init__(self) -> None:
            self._lock = make()

        def acquire(self, *arguments: Any, **options: Any) -> bool:
            _hear("a lock")
            taken: bool = self._lock.acquire(*arguments, **options)
            return taken

        def __enter__(self) -> bool:
            _hear("a lock")
            taken: bool = self._lock.__enter__()
            return taken

        def __exit__(self, *exc: object) -> None:
            self._lock.release()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._lock, name)

    return Listening
