"""
`python -m soak.readers`: eight threads that read flags without a pause, in a process of their own.

Its standard input says when to end (a line with the revision that must be seen first); its standard output is a line
of JSON, `Findings`.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from math import log2
from random import Random
from typing import Any, NamedTuple

if __name__ == "__main__":  # before flagcore makes its locks
    from soak import overhearing

    overhearing.listen()

from flagcore import FlagClient, HTTPSource
from soak.census import left
from soak.document import TWINS, keys
from soak.overhearing import heard, reading

__all__ = ["THREADS", "Findings", "client_of"]

#: Reader threads.
THREADS = 8

#: Reads in one block, which is what is timed: a single read takes less than looking at the clock.
_BLOCK = 50

#: Milliseconds that a block did not run from which on it counts as kept waiting: four turns of the thread switching.
STALL_MS = 20

#: Seconds that the last change may take to come: a stream that went silent is given up after 30.
_SETTLE_SECONDS = 60.0

_START_SECONDS = 30.0

#: Of a thread's reads that raised, as many are kept; then it ends.
_MOST = 5

_CONTEXT = {"targeting_key": "user-1", "plan": "pro", "country": "NL", "seats": 5}


@dataclass
class Findings:
    """
    What the readers saw. Milliseconds are those in which one block of reads did not run, and as much plain dictionary
    look-up by the same thread right after it.
    """

    reads: int = 0
    raised: list[str] = field(default_factory=list)
    torn: int = 0
    defaults: int = 0
    heard: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    longest_ms: float = 0.0
    yardstick_longest_ms: float = 0.0
    stalls: int = 0
    yardstick_stalls: int = 0
    p999_ms: float = 0.0
    yardstick_p999_ms: float = 0.0
    revisions: int = 0
    is_settled: bool = False
    settle_seconds: float = 0.0


def client_of(*, stream: bool) -> FlagClient:
    """
    The client that each process of a soak has, as the environment says: with a stream, or by polling once a second;
    by a connection of its own, or by the one of all that do it so.
    """
    url = os.environ["SOAK_URL"]
    source = HTTPSource(
        url,
        "native",
        poll_seconds=1.0,
        timeout_seconds=2.0,
        stream_url=os.environ["SOAK_STREAM_URL"] if stream else None,
    )
    return FlagClient(source, cache_dir=os.environ["SOAK_CACHE"], share=os.environ["SOAK_SHARE"] == "yes")


class _Yardstick:
    """
    As much as a read can be spared: a method that looks a key up in a dictionary.
    """

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def get(self, key: str, default: Any = None) -> Any:
        return self._values.get(key, default)


class _Reader(threading.Thread):
    """
    One thread: makes a view, reads one twin, a block of flags, and the other twins after a moment's sleep.
    """

    def __init__(self, client: FlagClient, all_keys: list[str], seed: int, over: threading.Event) -> None:
        super().__init__(name=f"reader-{seed}")
        self.findings = Findings()
        self.times: Counter[int] = Counter()
        self.yardstick_times: Counter[int] = Counter()
        self.seen: set[int] = set()
        self._client = client
        self._keys = all_keys
        self._random = Random(seed)
        self._over = over
        self._yardstick = _Yardstick(dict.fromkeys(all_keys, True))
        #: Seconds of work that one look-up takes, as of late: a guess to begin with.
        self._unit = 60e-9

    def run(self) -> None:
        while not self._over.is_set() and len(self.findings.raised) < _MOST:
            try:
                self._request()
            except Exception as error:  # noqa: BLE001, PERF203 - whatever a read raises is what is looked for
                self.findings.raised.append(repr(error))

    def _request(self) -> None:
        found, ident = self.findings, threading.get_ident()
        some = self._random.choices(self._keys, k=_BLOCK)
        reading.add(ident)
        begun = _Clock()
        flags = self._client.flags(_CONTEXT)
        first = flags.get_int(TWINS[0])
        for key in some[:-10]:
            flags.get_bool(key)
        for key in some[-10:]:
            flags.get_json(key), flags.details(key, None)
        took = begun.elapsed()
        reading.discard(ident)
        yardstick = self._measure(some, took.worked)
        time.sleep(self._random.random() / 500)  # what an application does between two reads
        reading.add(ident)
        others = [flags.get_int(key) for key in TWINS[1:]]
        reading.discard(ident)
        found.reads += 3 + _BLOCK + 10
        found.torn += any(first != other for other in others)
        found.defaults += first < 1
        self.seen.add(first)
        self._note(took, yardstick)

    def _measure(self, some: list[str], seconds: float) -> _Elapsed:
        """
        Look the keys up again and again, for so many seconds of work.
        """
        get = self._yardstick.get
        rounds = max(1, round(seconds / self._unit / len(some)))
        begun = _Clock()
        for _ in range(rounds):
            for key in some:
                get(key)
        took = begun.elapsed()
        self._unit += (took.worked / rounds / len(some) - self._unit) / 10
        return took

    def _note(self, took: _Elapsed, yardstick: _Elapsed) -> None:
        found = self.findings
        found.longest_ms = max(found.longest_ms, took.waited * 1000)
        found.yardstick_longest_ms = max(found.yardstick_longest_ms, yardstick.waited * 1000)
        found.stalls += took.waited * 1000 > STALL_MS
        found.yardstick_stalls += yardstick.waited * 1000 > STALL_MS
        self.times[_bucket(took.waited)] += 1
        self.yardstick_times[_bucket(yardstick.waited)] += 1


class _Elapsed(NamedTuple):
    """
    Seconds in which a thread worked, and in which it was kept from it.
    """

    worked: float
    waited: float


class _Clock:
    """
    From its making on: by the wall and by this thread's own processor time.
    """

    def __init__(self) -> None:
        self._wall, self._own = time.perf_counter(), time.thread_time()

    def elapsed(self) -> _Elapsed:
        worked = time.thread_time() - self._own
        return _Elapsed(worked, max(0.0, time.perf_counter() - self._wall - worked))


def _bucket(seconds: float) -> int:
    """
    Eighths of an octave of a microsecond: a histogram that is exact to 9 %.
    """
    return round(8 * log2(max(seconds, 1e-6) * 1e6))


def _quantile(times: Counter[int], share: float) -> float:
    left_over = sum(times.values()) * share
    for bucket, count in sorted(times.items()):
        left_over -= count
        if left_over <= 0:
            return float(2 ** (bucket / 8)) / 1000
    return 0.0


def _gathered(readers: list[_Reader]) -> Findings:
    total = Findings(heard=list(heard))
    times: Counter[int] = Counter()
    yardstick_times: Counter[int] = Counter()
    for reader in readers:
        found = reader.findings
        times += reader.times
        yardstick_times += reader.yardstick_times
        total.raised += found.raised
        for name in ("reads", "torn", "defaults", "stalls", "yardstick_stalls"):
            setattr(total, name, getattr(total, name) + getattr(found, name))
        total.longest_ms = max(total.longest_ms, found.longest_ms)
        total.yardstick_longest_ms = max(total.yardstick_longest_ms, found.yardstick_longest_ms)
    total.p999_ms, total.yardstick_p999_ms = _quantile(times, 0.999), _quantile(yardstick_times, 0.999)
    total.revisions = len(set().union(*(reader.seen for reader in readers)))
    return total


def _settled(client: FlagClient, revision: int) -> tuple[bool, float]:
    begun = time.monotonic()
    while client.get_int(TWINS[0]) != revision and time.monotonic() - begun < _SETTLE_SECONDS:
        time.sleep(0.01)
    return client.get_int(TWINS[0]) == revision, time.monotonic() - begun


def main() -> None:
    """
    Read until told to end, then close the client and say what was seen.
    """
    port, folder = int(os.environ["SOAK_PORT"]), os.environ["SOAK_CACHE"]
    over = threading.Event()
    client = client_of(stream=True)
    if not client.start(wait_seconds=_START_SECONDS):
        sys.exit(f"expected flags within {_START_SECONDS} s, got {client.status}")
    all_keys = keys(int(os.environ["SOAK_FLAGS"]))
    readers = [_Reader(client, all_keys, number, over) for number in range(THREADS)]
    for reader in readers:
        reader.start()
    revision = int(sys.stdin.readline())
    is_settled, settle_seconds = _settled(client, revision)
    over.set()
    for reader in readers:
        reader.join()
    client.close()
    found = _gathered(readers)
    found.is_settled, found.settle_seconds, found.left = is_settled, settle_seconds, left(port, folder)
    print(json.dumps(asdict(found)), flush=True)


if __name__ == "__main__":
    main()
