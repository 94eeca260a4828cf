"""
Requests to a web server from several threads, and what their answers say.
"""

from __future__ import annotations

import threading
import time
from collections import Counter

import httpx

__all__ = ["Load"]

#: Threads that ask, and the seconds each waits between two requests: about 60 requests a second.
_THREADS = 8
_THINK_SECONDS = 0.08

#: Seconds that a page may take on a machine under load.
_TIMEOUT_SECONDS = 30.0

#: Of answers that should not be, as many are kept.
_MOST = 10


class Load:
    """
    Asks for one page, again and again, until `stop`.

    Args:
        url: of the page.

    Attributes:
        answers: how many came, by the process that gave them.
        newest: the newest revision that each process has shown.
        torn: answers that show two states.
        failures: what else is wrong, the first few.
        longest_seconds: what the slowest page took.
    """

    def __init__(self, url: str) -> None:
        self.answers: Counter[int] = Counter()
        self.newest: dict[int, int] = {}
        self.torn: list[str] = []
        self.failures: list[str] = []
        self.longest_seconds = 0.0
        self._url = url
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask_on, name="load") for _ in range(_THREADS)]

    def start(self) -> None:
        """
        Begin, once the server answers.
        """
        httpx.get(self._url, timeout=_TIMEOUT_SECONDS, trust_env=False).raise_for_status()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """
        End.
        """
        self._over.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def awaited(self, revision: int, processes: int, seconds: float) -> bool:
        """
        Whether every one of so many processes shows `revision` within so many seconds.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with self._lock:
                if sum(each == revision for each in self.newest.values()) >= processes:
                    return True
            time.sleep(0.02)
        return False

    def _ask_on(self) -> None:
        # A connection for each request: kept ones would stay with the worker that took them.
        with httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False, headers={"Connection": "close"}) as asking:
            while not self._over.wait(_THINK_SECONDS):
                begun = time.monotonic()
                try:
                    answer = asking.get(self._url)
                    self._note(answer, time.monotonic() - begun)
                except httpx.HTTPError as error:
                    self._fail(repr(error))

    def _note(self, answer: httpx.Response, seconds: float) -> None:
        if answer.status_code != httpx.codes.OK:
            return self._fail(f"{answer.status_code}: {answer.text[:200]}")
        told = answer.json()
        pid, seen = told["pid"], told["seen"]
        with self._lock:
            self.answers[pid] += 1
            self.newest[pid] = seen[0]
            self.longest_seconds = max(self.longest_seconds, seconds)
            if len(set(seen)) > 1 and len(self.torn) < _MOST:
                self.torn.append(str(told))
        return None if seen[0] > 0 else self._fail(f"a default: {told}")

    def _fail(self, what: str) -> None:
        with self._lock:
            if len(self.failures) < _MOST:
                self.failures.append(what)
