import stat
import threading
import time
from pathlib import Path

import pytest

from flagcore.errors import CacheError
from flagcore.feed.disk import COALESCE_SECONDS, DiskCache
from flagcore.source import Body
from tests.documents import eventually


@pytest.fixture
def failures() -> list[CacheError]:
    return []


@pytest.fixture
def cache(tmp_path: Path, failures: list[CacheError]) -> DiskCache:
    return DiskCache(tmp_path / "cache", failures.append)


def only_file(cache: DiskCache) -> Path:
    (path,) = cache.folder.iterdir()
    return path


def test_gives_back_what_it_was_given(cache: DiskCache, failures: list[CacheError]) -> None:
    """Content, etag, syntax and time, to another process too."""
    body = Body(b'{"a": 1}\n\n\xff', 'W/"1"', "json")
    cache.put(b"one", body, 12.5)
    assert cache.flush(5)
    found = DiskCache(cache.folder, failures.append).load(b"one")
    assert found is not None
    assert (found.body, found.fetched_at) == (body, 12.5)
    assert cache.load(b"other") is None
    assert failures == []


def test_files_are_private_and_unnamed(cache: DiskCache) -> None:
    """0600 in a folder of 0700, under a name that says nothing."""
    cache.put(b"https://example.com/key", Body(b"{}"), 1.0)
    cache.flush(5)
    path = only_file(cache)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(cache.folder.stat().st_mode) == 0o700
    assert "example" not in path.name
    assert b"example" not in path.read_bytes()


def test_the_first_change_is_written_at_once_and_a_burst_once_more(cache: DiskCache) -> None:
    """A burst costs one write, at the end of its 2.5 seconds; the last document is the one that stays."""
    began = time.monotonic()
    cache.put(b"one", Body(b"0"), 0.0)
    eventually(lambda: cache.load(b"one") is not None, 1)
    writes = set()
    for number in range(1, 50):
        cache.put(b"one", Body(str(number).encode()), float(number))
        found = cache.load(b"one")
        assert found is not None
        writes.add(found.body.content)
    assert writes == {b"0"}
    eventually(lambda: getattr(cache.load(b"one"), "fetched_at", None) == 49.0, COALESCE_SECONDS + 1)
    assert time.monotonic() - began >= COALESCE_SECONDS - 0.05


def test_a_flush_writes_what_is_pending_and_leaves_no_thread(cache: DiskCache) -> None:
    """Close need not wait for the coalescing."""
    for number in range(3):
        cache.put(b"one", Body(str(number).encode()), 0.0)
        cache.put(b"two", Body(str(number).encode()), 0.0)
    began = time.monotonic()
    assert cache.flush(5)
    assert time.monotonic() - began < 1
    assert {cache.load(each).body.content for each in (b"one", b"two")} == {b"2"}  # type: ignore[union-attr]
    assert "flagcore-disk" not in [thread.name for thread in threading.enumerate()]
    assert cache.flush(0)


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{}",
        b"not json\n{}",
        b'{"flagcore": 99}\n{}',
        b"\xff\xff\n",
        b"[1]\n",
        "cut short",
        "another byte",
        "another source",
    ],
)
def test_a_bad_file_is_reported_and_ignored(cache: DiskCache, failures: list[CacheError], damage: bytes | str) -> None:
    """Damaged, cut short, of another layout or source: never raised, never served."""
    cache.put(b"one", Body(b'{"a": 1}'), 1.0)
    cache.flush(5)
    path = only_file(cache)
    good = path.read_bytes()
    if damage == "cut short":
        path.write_bytes(good[:-1])
    elif damage == "another byte":
        path.write_bytes(good[:-1] + b"]")
    elif damage == "another source":
        cache.put(b"two", Body(b"{}"), 1.0)
        cache.flush(5)
        (other,) = set(cache.folder.iterdir()) - {path}
        path.write_bytes(other.read_bytes())
    else:
        assert isinstance(damage, bytes)
        path.write_bytes(damage)
    assert cache.load(b"one") is None
    assert len(failures) == 1
    assert "serving goes on without it" in str(failures[0])
    cache.put(b"one", Body(b'{"a": 2}'), 2.0)
    cache.flush(5)
    assert cache.load(b"one") is not None


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path, failures: list[CacheError]) -> None:
    """And leaves nothing behind."""
    (tmp_path / "file").write_text("")
    cache = DiskCache(tmp_path / "file" / "cache", failures.append)
    assert cache.load(b"one") is None
    cache.put(b"one", Body(b"{}"), 1.0)
    assert cache.flush(5)
    assert len(failures) >= 1
    assert "could not be written" in str(failures[-1])


def test_a_write_that_fails_leaves_no_temporary_file(cache: DiskCache, failures: list[CacheError]) -> None:
    """Here because a folder has the file's name."""
    cache.put(b"one", Body(b"{}"), 1.0)
    cache.flush(5)
    path = only_file(cache)
    path.unlink()
    path.mkdir()
    (path / "x").write_text("")
    cache.renew()
    cache.put(b"one", Body(b"{}"), 1.0)
    assert cache.flush(5)
    assert [each.name for each in cache.folder.iterdir()] == [path.name]
    assert len(failures) == 1


def test_many_writers_never_mix(cache: DiskCache, failures: list[CacheError]) -> None:
    """Several caches on one folder, as several processes would be: what is read is always whole."""
    stop = threading.Event()

    def write(number: int) -> None:
        own = DiskCache(cache.folder, failures.append)
        content = str(number).encode() * 10_000
        while not stop.is_set():
            own.renew()
            own.put(b"one", Body(content), 1.0)
            own.flush(5)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(100):
        found = cache.load(b"one")
        assert found is None or len(set(found.body.content)) == 1
    stop.set()
    for thread in threads:
        thread.join(10)
    assert failures == []
