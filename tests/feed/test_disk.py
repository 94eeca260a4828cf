import logging
import os
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flagcore import FlagClient, HTTPSource, MemorySource
from flagcore.errors import CacheError, ConfigError
from flagcore.feed.disk import COALESCE_SECONDS, DiskCache
from flagcore.feed.folder import user_cache_folder
from flagcore.source import Body
from tests.documents import eventually, native

resource = pytest.importorskip("resource", reason="the platform has no limits of its own")

AS_ROOT = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root becomes another user")


def no_thread(*_: object, **__: object) -> None:
    raise RuntimeError("can't start new thread")


@pytest.fixture
def failures() -> list[CacheError]:
    return []


@pytest.fixture
def cache(tmp_path: Path, failures: list[CacheError]) -> DiskCache:
    return DiskCache(tmp_path / "cache", failures.append)


def only_file(cache: DiskCache) -> Path:
    (path,) = cache.folder.glob("*.flags")
    return path


def keep(cache: DiskCache, content: bytes = b"{}", identity: bytes = b"one", fetched_at: float = 1.0) -> None:
    cache.put(identity, Body(content), fetched_at)
    assert cache.flush(30)


def kept(cache: DiskCache, identity: bytes = b"one") -> bytes | None:
    found = cache.load(identity)
    return None if found is None else found.body.content


def test_gives_back_what_it_was_given(cache: DiskCache, failures: list[CacheError]) -> None:
    """Content, etag, syntax and time, to another process too."""
    body = Body(b'{"a": 1}\n\n\xff', 'W/"1"', "json")
    cache.put(b"one", body, 12.5)
    assert cache.flush(30)
    found = DiskCache(cache.folder, failures.append).load(b"one")
    assert found is not None
    assert (found.body, found.fetched_at) == (body, 12.5)
    assert cache.load(b"other") is None
    assert failures == []


def test_files_are_private_and_unnamed(cache: DiskCache) -> None:
    """0600 in a folder of 0700, under a name that says nothing."""
    cache.put(b"https://example.com/key", Body(b"{}"), 1.0)
    cache.flush(30)
    path = only_file(cache)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(cache.folder.stat().st_mode) == 0o700
    assert "example" not in path.name
    assert b"example" not in path.read_bytes()


def test_the_first_change_is_written_at_once_and_a_burst_once_more(cache: DiskCache) -> None:
    """A burst costs one write, at the end of its 2.5 seconds; the last document is the one that stays."""
    began = time.monotonic()
    cache.put(b"one", Body(b"0"), 0.0)
    eventually(lambda: cache.load(b"one") is not None, COALESCE_SECONDS)
    writes = set()
    for number in range(1, 50):
        cache.put(b"one", Body(str(number).encode()), float(number))
        found = cache.load(b"one")
        assert found is not None
        if time.monotonic() - began < COALESCE_SECONDS:  # a machine under load may not get that far in time
            writes.add(found.body.content)
    assert writes == {b"0"}
    eventually(lambda: getattr(cache.load(b"one"), "fetched_at", None) == 49.0, COALESCE_SECONDS + 20)
    assert time.monotonic() - began >= COALESCE_SECONDS - 0.05


def test_a_flush_writes_what_is_pending_and_leaves_no_thread(cache: DiskCache) -> None:
    """Close need not wait for the coalescing."""
    for number in range(3):
        cache.put(b"one", Body(str(number).encode()), 0.0)
        cache.put(b"two", Body(str(number).encode()), 0.0)
    began = time.monotonic()
    assert cache.flush(30)
    assert time.monotonic() - began < COALESCE_SECONDS
    assert {cache.load(each).body.content for each in (b"one", b"two")} == {b"2"}  # type: ignore[union-attr]
    assert "flagcore-disk" not in [thread.name for thread in threading.enumerate()]
    assert cache.flush(0)


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{}",
        b"not json\n{}",
        b'{"flagcore": 99, "more": {"than": "this release knows"}}\n{}',
        b'{"flagcore": 2, "x": ' + b"[" * 100_000,
        b"\n\n",
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
    cache.flush(30)
    path = only_file(cache)
    good = path.read_bytes()
    if damage == "cut short":
        path.write_bytes(good[:-1])
    elif damage == "another byte":
        path.write_bytes(good[:-1] + b"]")
    elif damage == "another source":
        cache.put(b"two", Body(b"{}"), 1.0)
        cache.flush(30)
        (other,) = set(cache.folder.glob("*.flags")) - {path}
        path.write_bytes(other.read_bytes())
    else:
        assert isinstance(damage, bytes)
        path.write_bytes(damage)
    assert cache.load(b"one") is None
    assert len(failures) == 1
    assert "serving goes on without it" in str(failures[0])
    cache.put(b"one", Body(b'{"a": 2}'), 2.0)
    cache.flush(30)
    assert cache.load(b"one") is not None


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path, failures: list[CacheError]) -> None:
    """And leaves nothing behind."""
    (tmp_path / "file").write_text("")
    cache = DiskCache(tmp_path / "file" / "cache", failures.append)
    assert cache.load(b"one") is None
    cache.put(b"one", Body(b"{}"), 1.0)
    assert cache.flush(30)
    assert len(failures) >= 1
    assert "could not be written" in str(failures[-1])


def test_a_write_that_fails_leaves_no_temporary_file(cache: DiskCache, failures: list[CacheError]) -> None:
    """Here because a folder has the file's name."""
    cache.put(b"one", Body(b"{}"), 1.0)
    cache.flush(30)
    path = only_file(cache)
    path.unlink()
    path.mkdir()
    (path / "x").write_text("")
    cache.renew()
    cache.put(b"one", Body(b"{}"), 1.0)
    assert cache.flush(30)
    assert {each.name for each in cache.folder.iterdir()} == {path.name, "key"}
    assert len(failures) == 1


def test_each_outage_of_the_disk_is_logged_once(
    cache: DiskCache, failures: list[CacheError], caplog: pytest.LogCaptureFixture
) -> None:
    """And its end, so that the next one is logged too; `on_error` hears of each failure."""
    caplog.set_level(logging.INFO)
    for _ in range(2):
        keep(cache)
        obstacle = only_file(cache)
        obstacle.unlink()
        obstacle.mkdir()
        (obstacle / "x").write_text("")
        keep(cache, b"[1]")
        keep(cache, b"[2]")
        (obstacle / "x").unlink()
        obstacle.rmdir()
    keep(cache)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"] * 2
    assert len(failures) == 4


def test_a_moment_without_threads_costs_no_document(
    cache: DiskCache, failures: list[CacheError], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told, raises nothing, and what is pending is written with the next change, or at the end."""
    with monkeypatch.context() as moment:
        moment.setattr(threading, "_start_new_thread", no_thread)
        moment.setattr(threading, "_start_joinable_thread", no_thread, raising=False)
        keep(cache)
    assert all("can't start new thread" in str(failure) for failure in failures)
    assert len(failures) == 2
    assert kept(cache) is None
    assert cache.flush(30)
    assert kept(cache) == b"{}"


def test_many_writers_never_mix(cache: DiskCache, failures: list[CacheError]) -> None:
    """Several caches on one folder, as several processes would be: what is read is always whole."""
    stop = threading.Event()

    def write(number: int) -> None:
        own = DiskCache(cache.folder, failures.append)
        content = str(number).encode() * 10_000
        while not stop.is_set():
            own.renew()
            own.put(b"one", Body(content), 1.0)
            own.flush(30)

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


def test_a_change_that_another_worker_has_written_is_not_written_again(cache: DiskCache) -> None:
    """Sixteen workers that get the same document cost one write; the same document a day later is written anew."""
    keep(cache)
    written = only_file(cache).stat().st_mtime_ns
    sibling = DiskCache(cache.folder, lambda error: pytest.fail(str(error)))
    keep(sibling, fetched_at=2.0)
    assert only_file(cache).stat().st_mtime_ns == written
    keep(sibling, fetched_at=86_400.0)
    assert sibling.load(b"one").fetched_at == 86_400.0  # type: ignore[union-attr]


WRITE_ON = """
import sys
from pathlib import Path
from flagcore.feed.disk import DiskCache
from flagcore.source import Body
cache = DiskCache(Path(sys.argv[1]), lambda error: sys.exit(str(error)))
number = 0
while True:
    number += 1
    cache.renew()
    cache.put(b"one", Body((sys.argv[2] * 500_000).encode()), number * 100.0)
    cache.flush(30)
    print(number, flush=True)
"""


def test_processes_that_write_at_once_and_are_killed_leave_a_whole_document(cache: DiskCache) -> None:
    """Whatever a reader meets is whole, and what the killed ones left half written is removed by the next write."""
    command = [sys.executable, "-c", WRITE_ON, str(cache.folder)]
    writers = [subprocess.Popen([*command, letter], stdout=subprocess.PIPE) for letter in "abc"]
    try:
        for writer in writers:
            assert writer.stdout is not None
            writer.stdout.readline()
        for _ in range(20):
            found = kept(cache)
            assert found is not None
            assert len(set(found)) == 1
            assert len(found) == 500_000
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()
    for path in (*cache.folder.glob(".flagcore-*"), cache.folder / ".flagcore-left.tmp"):
        path.write_bytes(b"half")
        os.utime(path, (1, 1))
    (cache.folder / ".flagcore-young.tmp").write_bytes(b"half")
    (cache.folder / ".another.tmp").write_bytes(b"not ours")
    os.utime(cache.folder / ".another.tmp", (1, 1))
    keep(cache, b"{}")
    assert {each.name for each in cache.folder.glob(".*")} == {".flagcore-young.tmp", ".another.tmp"}
    assert kept(cache) == b"{}"


def test_a_name_tells_nobody_who_guesses_the_key(tmp_path: Path) -> None:
    """Names are digests keyed with random bytes of the folder's own: the same source has another name elsewhere."""
    names = set()
    for each in ("here", "there"):
        cache = DiskCache(tmp_path / each, lambda error: pytest.fail(str(error)))
        keep(cache, identity=HTTPSource("https://x.example/", "native", headers={"X-Key": "hunter2"}).identity)
        names.add(only_file(cache).name)
        assert len((cache.folder / "key").read_bytes()) == 32
        assert stat.S_IMODE((cache.folder / "key").stat().st_mode) == 0o600
        assert not any(b"hunter2" in path.read_bytes() for path in cache.folder.iterdir())
    assert len(names) == 2


def test_a_damaged_key_is_made_anew(cache: DiskCache, failures: list[CacheError]) -> None:
    """What was kept under the old one is not found any more, and that is all."""
    keep(cache, b"1")
    (cache.folder / "key").write_bytes(b"short")
    assert kept(cache) is None
    keep(cache, b"2")
    assert kept(cache) == b"2"
    assert failures == []


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o720])
def test_a_folder_that_others_may_write_in_is_not_used(cache: DiskCache, failures: list[CacheError], mode: int) -> None:
    """They could put flags into it. Nothing is read, nothing is written, and the folder stays as it is."""
    keep(cache)
    before = only_file(cache).read_bytes()
    cache.folder.chmod(mode)
    assert kept(cache) is None
    assert f"only its owner may write, got mode {mode:04o}" in str(failures[0])
    keep(cache, b'{"a": 2}')
    assert len(failures) == 2
    assert only_file(cache).read_bytes() == before
    assert stat.S_IMODE(cache.folder.stat().st_mode) == mode


def test_a_folder_that_others_may_only_look_into_is_used(cache: DiskCache) -> None:
    """What they see there are names that say nothing."""
    cache.folder.mkdir(mode=0o755)
    keep(cache)
    assert kept(cache) == b"{}"


@AS_ROOT
@pytest.mark.parametrize("whose", ["folder", "file", "key"])
def test_what_belongs_to_another_user_is_not_used(cache: DiskCache, failures: list[CacheError], whose: str) -> None:
    """As where a command was once run with the rights of another one."""
    keep(cache)
    path = {"folder": cache.folder, "file": only_file(cache), "key": cache.folder / "key"}[whose]
    os.chown(path, 65534, 65534)
    assert kept(cache) is None
    assert "of this user's own, got one of user 65534" in str(failures[0])


@contextmanager
def as_nobody() -> Iterator[None]:
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@AS_ROOT
def test_a_folder_that_may_only_be_read_is_read(failures: list[CacheError]) -> None:
    """A start has its flags; that they can't be written is reported."""
    with tempfile.TemporaryDirectory() as parent:
        Path(parent).chmod(0o711)
        folder = Path(parent) / "cache"
        folder.mkdir(mode=0o700)
        os.chown(folder, 65534, 65534)
        with as_nobody():
            cache = DiskCache(folder, failures.append)
            keep(cache, b"1")
            folder.chmod(0o500)
            assert kept(cache) == b"1"
            keep(cache, b"2")
            assert kept(cache) == b"1"
        assert [str(each).rpartition(": ")[2] for each in failures] == ["Permission denied"]


def test_a_full_disk_is_reported_and_leaves_the_last_document(cache: DiskCache, failures: list[CacheError]) -> None:
    """And no temporary file."""
    keep(cache, b"1")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
    try:
        cache.renew()
        keep(cache, b"2" * 300_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [str(each).rpartition(": ")[2] for each in failures] == ["File too large"]
    assert kept(cache) == b"1"
    assert list(cache.folder.glob(".*")) == []


def test_a_document_too_large_to_be_read_again_is_not_written(
    cache: DiskCache, failures: list[CacheError], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cap is one for both ways."""
    monkeypatch.setattr("flagcore.feed.record.MAX_BYTES", 1_000)
    monkeypatch.setattr("flagcore.feed.folder.MAX_BYTES", 1_000)
    keep(cache, b"1" * 2_000)
    assert "expected at most 1000 bytes" in str(failures.pop())
    keep(cache)
    only_file(cache).write_bytes(b"x" * 2_000)
    assert kept(cache) is None
    assert "expected at most 1000 bytes, got 2000" in str(failures.pop())


@pytest.mark.parametrize("swap", ["link", "hard to find", "pipe", "folder"])
def test_a_file_swapped_for_something_else_is_not_followed(
    cache: DiskCache, failures: list[CacheError], tmp_path: Path, swap: str
) -> None:
    """A link leads nowhere, a pipe holds nobody up."""
    keep(cache, b"1")
    path = only_file(cache)
    (tmp_path / "elsewhere").write_bytes(path.read_bytes())
    path.unlink()
    if swap == "link":
        path.symlink_to(tmp_path / "elsewhere")
    elif swap == "hard to find":
        path.symlink_to(path)
    elif swap == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    began = time.monotonic()
    assert kept(cache) is None
    assert time.monotonic() - began < 1
    assert len(failures) == 1
    if swap != "folder":
        keep(cache, b"2")
        assert kept(cache) == b"2"
        assert stat.S_ISREG(path.lstat().st_mode)
        assert (tmp_path / "elsewhere").read_bytes().endswith(b"1")


def test_an_etag_that_is_no_text_harms_nothing(cache: DiskCache, failures: list[CacheError]) -> None:
    """A source of one's own may name its documents as it likes."""
    cache.put(b"one", Body(b"{}", "\ud800"), 1.0)
    assert cache.flush(30)
    assert "expected an etag that is text" in str(failures.pop())
    keep(cache)
    assert kept(cache) == b"{}"


@AS_ROOT
def test_a_user_without_a_home_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor does a folder called `~` come to be."""
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME")
    monkeypatch.chdir(tmp_path)
    os.setreuid(4_242_424, -1)  # nobody's
    try:
        assert user_cache_folder() is None
        with FlagClient(MemorySource(native(a=1))) as client:
            assert client.get_int("a") == 1
    finally:
        os.setreuid(0, -1)
    assert list(tmp_path.iterdir()) == []
    assert "this user has no home folder" in caplog.text


def test_a_folder_with_a_null_in_its_name_is_refused() -> None:
    """At construction, not by the disk."""
    with pytest.raises(ConfigError, match="cache_dir"):
        FlagClient(MemorySource(native(a=1)), cache_dir="a\0b")
