"""
Documents and sources that the tests share.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flagcore import SAME, Body, FlagClient, Same
from flagcore.errors import SourceUnavailable


def native(**values: Any) -> dict[str, Any]:
    """
    A native document of plain flags: {key: value}, with `_` in a key for `-`.
    """
    return {"flags": {key.replace("_", "-"): {"value": value} for key, value in values.items()}}


def body(etag: str | None = None, **values: Any) -> Body:
    """
    The same as a source gives it.
    """
    return Body(json.dumps(native(**values)).encode(), etag)


class Table:
    """
    A source of one's own: answers with what it is told to, and raises what it is told to.
    """

    format = "native"

    def __init__(self, answer: Body | Exception, poll_seconds: float = 0.02, name: str = "table") -> None:
        self.answer = answer
        self.poll_seconds = poll_seconds
        self.name = name
        self.asked: list[str | None] = []
        self.gate = threading.Event()
        self.gate.set()

    def fetch(self, etag: str | None) -> Body | Same:
        self.asked.append(etag)
        self.gate.wait(10)
        if isinstance(self.answer, Exception):
            raise self.answer
        return SAME if etag is not None and etag == self.answer.etag else self.answer


@contextmanager
def failed_client(*others: Any) -> Iterator[FlagClient]:
    """
    A client whose flags `on` and `off` have failed: too old, by the policy that makes that a failure. Beside it, layers
    that are sound.
    """
    table = Table(body("1", on=True, off=False))
    client = FlagClient(table, *others, cache_dir=None, max_stale_seconds=0.01, on_stale="fail")
    with client:
        assert client.wait_ready(5)
        table.answer = SourceUnavailable("down")
        eventually(lambda: not client.health().is_ready)
        yield client


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """
    Wait until `condition` holds; fails if it does not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.005)
