from __future__ import annotations

import json
import os
import subprocess
import sys
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flagcore import FlagClient, MemorySource
from flagcore.resolution import ABSENT, Reason
from flagcore.rules.buckets import BUCKETS, HASHES, bucket, hashed, share, threshold, unit

#: Where these keys lie, for ever: (salt, key, of how many, where).
VECTORS = [
    ("new-checkout", "user-1", 10_000, 5192),
    ("new-checkout", "user-2", 10_000, 2310),
    ("new-checkout", "", 10_000, 9506),
]

PERCENT = st.floats(0, 100) | st.integers(0, 100)


@pytest.mark.parametrize(("salt", "key", "buckets", "place"), VECTORS)
def test_a_key_lies_where_it_always_lay(salt: str, key: str, buckets: int, place: int) -> None:
    """The documented vectors."""
    assert bucket(salt, key, buckets) == place


def test_the_hash_is_murmur3() -> None:
    """MurmurHash3_x86_32 with the seed 0, unsigned: its published vectors."""
    assert hashed("") == 0
    assert hashed("hello") == 613153351
    assert hashed("The quick brown fox jumps over the lazy dog") == 0x2E4FF723


@given(st.integers())
def test_a_whole_number_lies_where_its_text_does(key: int) -> None:
    """An id from a database and the same one from a cookie are one."""
    assert bucket("s", key) == bucket("s", str(key))


def test_what_is_no_identity_lies_nowhere() -> None:
    """A boolean is no number; a fraction, null or nothing at all is nobody."""
    assert [unit(each) for each in (True, None, 1.5, ABSENT, [], {}, float("nan"), float("inf"))] == [None] * 8
    assert unit(5.0) == "5"
    assert unit(10**5000) is None
    with pytest.raises(TypeError, match="expected a string or a whole number, got bool"):
        bucket("s", True)


def test_half_a_surrogate_pair_lies_somewhere() -> None:
    """Text that has no UTF-8 is hashed all the same."""
    assert 0 <= bucket("s", "\ud800") < BUCKETS


@given(st.text(), st.text(), PERCENT, PERCENT)
def test_raising_a_percentage_never_takes_anyone_out(salt: str, key: str, one: float, other: float) -> None:
    """Who is in at P percent is in at every higher one."""
    low, high = sorted((one, other))
    hash_ = hashed(f"{salt}:{key}")
    assert threshold(low) <= threshold(high)
    assert (hash_ < threshold(low)) <= (hash_ < threshold(high))


@given(st.integers(0, 10_000), st.text())
def test_a_rollout_holds_the_buckets_below_a_hundred_times_its_percentage(hundredths: int, key: str) -> None:
    """Whatever binary fractions make of the percentage."""
    assert (hashed(f"s:{key}") < threshold(hundredths / 100)) == (bucket("s", key) < hundredths)


def test_ends_of_the_scale() -> None:
    """0 percent is nobody and 100 everybody; what is no number is nobody."""
    assert (threshold(0), threshold(100), threshold(250), threshold(-5)) == (0, HASHES, HASHES, 0)
    assert [threshold(each) for each in (True, "50", None, ABSENT, float("nan"))] == [0] * 5


@pytest.mark.parametrize("percent", [0.5, 10, 50, 99])
def test_a_rollout_holds_its_share_of_people(percent: float) -> None:
    """Within five standard deviations of the binomial distribution."""
    count, chance = 20_000, percent / 100
    held = sum(hashed(f"flag:user-{number}") < threshold(percent) for number in range(count))
    assert abs(held - count * chance) < 5 * sqrt(count * chance * (1 - chance))


@given(st.lists(st.integers(0, 1000), min_size=1).filter(any), st.integers(0, HASHES - 1))
def test_a_split_takes_the_weights_in_order(weights: list[int], hash_: int) -> None:
    """The part is the one in which the place of the hash lies; a weight of 0 gets nobody."""
    index = share(hash_, weights)
    place = hash_ * sum(weights) >> 32
    assert weights[index] > 0
    assert sum(weights[:index]) <= place < sum(weights[: index + 1])


@pytest.mark.parametrize("seed", ["0", "1", "random"])
def test_the_same_in_every_process(seed: str) -> None:
    """Python's own hash, which changes from process to process, has no part in it."""
    code = "from flagcore.rules.buckets import bucket; print(bucket('new-checkout', 'user-1'), bucket('s', 7))"
    run = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
    )
    assert run.stdout.split() == [b"5192", str(bucket("s", "7")).encode()]


def test_half_a_surrogate_pair_ends_no_process() -> None:
    """Anybody can send one in JSON, and the hash's own library does not survive it: a read gives it a bucket."""
    client = FlagClient(MemorySource({"flags": {"f": {"value": False, "rules": [{"rollout": 100}]}}}), cache_dir=None)
    client.start()
    key = json.loads('"\\ud800"')
    assert client.get_bool("f", context={"targeting_key": key})
    assert client.flags({"targeting_key": key}).get_bool("f")
    assert client.details("f", False, {"targeting_key": key}).reason is Reason.SPLIT
