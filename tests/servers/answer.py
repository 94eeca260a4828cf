"""
What every application of the matrix answers.
"""

from __future__ import annotations

import os
import time
from typing import Any

from flagcore import FlagClient, Flags

#: The flag that is flipped.
KEY = "theme"

#: Seconds for which an answer keeps its process busy, so that the next connection goes to another one.
_BUSY_SECONDS = 0.02


def answer(flags: Flags | FlagClient) -> dict[str, Any]:
    """
    The process, and what it reads.
    """
    value = flags.get_string(KEY, "nothing")
    until = time.perf_counter() + _BUSY_SECONDS
    while time.perf_counter() < until:  # a sleep would give way, under gevent and in threads
        pass
    return {"pid": os.getpid(), "value": value}
