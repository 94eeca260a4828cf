"""
What the flag service does meanwhile: a change every second, and one fault after the other.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from random import Random

from flagcore.testing import Fault, FaultyServer
from soak.document import document

__all__ = ["Weather"]

#: Seconds from one change to the next.
_CHANGE_SECONDS = 1.0

#: Seconds that a fault lasts, and that the service is well between two: at least and at most.
_FAULT_SECONDS = (1.0, 6.0)
_WELL_SECONDS = (2.0, 6.0)

#: Faults that end a feed for good, until somebody calls `refresh()`: no change could be seen after them.
_FINAL = (Fault.UNAUTHORIZED, Fault.FORBIDDEN)

_FAULTS = [fault for fault in Fault if fault not in _FINAL]


class Weather:
    """
    Changes and faults, in a thread of its own, until `settle`.

    Args:
        server: the service.
        flags: how many flags its document has.
        seed: of the faults' order and lengths.

    Attributes:
        revision: the newest.
        faults: how often each fault was there.
    """

    def __init__(self, server: FaultyServer, flags: int, seed: int) -> None:
        self.revision = 1
        self.faults: Counter[str] = Counter()
        self._server = server
        self._flags = flags
        self._random = Random(seed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._pass, name="weather")

    def start(self) -> None:
        """
        Begin.
        """
        self._thread.start()

    def settle(self) -> int:
        """
        Heal the service and make the last change. Returns its revision.
        """
        self.stop()
        self._server.heal()
        self._change()
        return self.revision

    def stop(self) -> None:
        """
        End, whatever the weather.
        """
        self._over.set()
        self._thread.join()

    def _pass(self) -> None:
        turning = time.monotonic() + self._random.uniform(*_WELL_SECONDS)
        faults: list[Fault] = []
        while not self._over.wait(_CHANGE_SECONDS):
            self._change()
            if time.monotonic() < turning:
                continue
            if self._server.active is not None:
                self._server.heal()
                turning = time.monotonic() + self._random.uniform(*_WELL_SECONDS)
                continue
            if not faults:  # each in turn, so that a run of ten minutes has had them all
                faults = self._random.sample(_FAULTS, len(_FAULTS))
            fault = faults.pop()
            self.faults[fault.value] += 1
            self._server.fault(fault)
            turning = time.monotonic() + self._random.uniform(*_FAULT_SECONDS)

    def _change(self) -> None:
        self.revision += 1
        self._server.update(document(self.revision, self._flags))
