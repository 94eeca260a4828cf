"""
The fuzzers' targets on what they begin with, on what they once found, and on a few hundred inputs of their mutators.
"""

from __future__ import annotations

from random import Random

import pytest

from fuzz.targets import NAMES, load

#: Inputs made of the seeds for each target: half a second of the suite's time for all of them.
MADE = 100


def noise(random: Random, data: bytes, size: int) -> bytes:
    """Some bytes exchanged, removed or put in."""
    changed = bytearray(data or b"\n")
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(changed))
        changed[at : at + random.randrange(2)] = random.randbytes(random.randrange(2)) or b"\n"
    return bytes(changed[:size])


@pytest.mark.parametrize("name", NAMES)
def test_every_promise_holds_on_seeds_and_what_is_made_of_them(name: str) -> None:
    """What is no document is refused, what is one answers every read, and what was found once stays mended."""
    target = load(name)
    for seed in target.seeds:
        target.once(seed)
    random = Random(name)
    for number in range(MADE):
        data = random.choice(target.seeds)
        if target.mutate is None:
            target.once(noise(random, data, 4096))
        else:
            target.once(target.mutate(data, 4096, number, lambda data, size: noise(random, data, size)))
