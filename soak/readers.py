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
from dataclasses import asdict, dataclass, field
from random import Random

if __name__ == "__main__":  # before flagcore makes its locks
    from soak import overhearing

    overhearing.listen()

from flagcore import FlagClient, HTTPSource
from soak.census import left
from soak.document import TWINS, keys
from soak.overhearing import heard, reading
from soak.yardstick import Clock, Waits, Yardstick

__all__ = ["THREADS", "Findings", "client_of"]

#: Reader threads.
THREADS = 8

#: Reads in one block, which is what is timed: a single read takes less than looking at the clock.
_BLOCK = 50

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


class _Reader(threading.Thread):
    """
    One thread: makes a view, reads one twin, a block of flags, and the other twins after a moment's sleep.
    """

    def __init__(self, client: FlagClient, all_keys: list[str], seed: int, over: threading.Event) -> None:
        super().__init__(name=f"reader-{seed}")
        self.findings = Findings()
        self.waits = Waits()
        self.yardstick_waits = Waits()
        self.seen: set[int] = set()
        self._client = client
        self._keys = all_keys
        self._random = Random(seed)
        self._over = over
        self._yardstick = Yardstick(all_keys)

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
        begun = Clock()
        flags = self._client.flags(_CONTEXT)
        first = flags.get_int(TWINS[0])
        for key in some[:-10]:
            flags.get_bool(key)
        for key in some[-10:]:
            flags.get_json(key), flags.details(key, None)
        took = begun.elapsed()
        reading.discard(ident)
        self.waits.add(took.waited)
        self.yardstick_waits.add(self._yardstick.measure(some, took.worked).waited)
        time.sleep(self._random.random() / 500)  # what an application does between two reads
        reading.add(ident)
        others = [flags.get_int(key) for key in TWINS[1:]]
        reading.discard(ident)
        found.reads += 3 + _BLOCK + 10
        found.torn += any(first != other for other in others)
        found.defaults += first < 1
        self.seen.add(first)


def _gathered(readers: list[_Reader]) -> Findings:
    total, waits, yardstick = Findings(heard=list(heard)), Waits(), Waits()
    for reader in readers:
        waits.update(reader.waits)
        yardstick.update(reader.yardstick_waits)
        total.raised += reader.findings.raised
        for name in ("reads", "torn", "defaults"):
            setattr(total, name, getattr(total, name) + getattr(reader.findings, name))
    total.stalls, total.yardstick_stalls = waits.stalls, yardstick.stalls
    total.longest_ms, total.yardstick_longest_ms = waits.longest_ms, yardstick.longest_ms
    total.p999_ms, total.yardstick_p999_ms = waits.within_ms(0.999), yardstick.within_ms(0.999)
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
