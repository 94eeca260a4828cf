"""
Documents and sources that the tests share.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from flagcore import SAME, Body, Same


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


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """
    Wait until `condition` holds; fails if it does not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.005)
