"""
Forks at any moment: while another thread swaps snapshots, in the middle of an update, under a task feed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="the flag server is not installed")

from tests.integrations.served import put, serving

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")

#: Forks, unless the environment asks for more: `nox -s servers` does.
_FORKS = os.environ.get("SERVERS_FORKS", "200")


def run(script: str, *arguments: str, seconds: float = 120) -> str:
    """
    What a program writes that ends well. Its own process: forking this one, with the threads of all tests, would be a
    gamble.
    """
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


_SWAPPING = """
import os, signal, sys, threading
from flagcore import FileSource, FlagClient, MemorySource

def document(number):
    late = {"value": 0, "rules": [{"if": "org == 'x'", "value": number}]}
    return {"flags": {"number": {"value": number}, "late": late}}

memory = MemorySource(document(0))
client = FlagClient(memory, FileSource(sys.argv[2], poll_seconds=0.001), cache_dir=None)
client.on_change(lambda keys: client.get_int("number"))
client.start(5)
over = threading.Event()

def swap():
    number = 0
    while not over.is_set():
        number += 1
        memory.update(document(number))
        client.flags({"org": "x"}).get_int("late")

swapper = threading.Thread(target=swap)
swapper.start()
hung = 0
for number in range(int(sys.argv[1])):
    child = os.fork()
    if not child:
        signal.alarm(10)  # whose default ends the process
        fine = client.get_int("number", -1) >= 0 and client.flags({"org": "x"}).get_int("late", -1) >= 0
        if number % 2:
            memory.update(document(10**6))
            fine = fine and client.get_int("number") == 10**6
        if number % 8 == 0:
            client.close()
        os._exit(0 if fine else 3)
    hung += os.waitpid(child, 0)[1] != 0
over.set()
swapper.join()
client.close()
print(hung)
"""


def test_no_child_hangs_on_its_first_read(tmp_path: Path) -> None:
    """Whatever lock a thread of the parent holds when it forks: reads, updates and closing go on in the child."""
    file = tmp_path / "flags.json"
    file.write_text('{"flags": {"below": {"value": 1}}}')
    assert run(_SWAPPING, _FORKS, str(file)).strip() == "0"


_UPDATING = """
import os, signal, sys, threading, time
from flagcore import FlagClient, MemorySource

memory = MemorySource({"flags": {"a": {"value": 1}}})
client = FlagClient(memory, cache_dir=None)
client.start()
inside, go_on = threading.Event(), threading.Event()
# Publishing tells the listeners, and so does not return while one waits; the locks it has are held by hand.
holder = [client._state._writing, client._life._changing.own(), *(layer._lock for layer in client._state.layers)]

def hold():
    for lock in holder:
        lock.acquire()
    inside.set()
    go_on.wait(10)
    for lock in reversed(holder):
        lock.release()

thread = threading.Thread(target=hold)
thread.start()
inside.wait()
child = os.fork()
if not child:
    signal.alarm(10)
    memory.update({"flags": {"a": {"value": 2}}})
    fine = client.get_int("a") == 2
    client.close()
    os._exit(0 if fine else 3)
status = os.waitpid(child, 0)[1]
go_on.set()
thread.join()
print(status, client.get_int("a"))
"""


def test_a_child_forked_in_the_middle_of_a_change_changes_and_reads() -> None:
    """Every lock of the parent's client is held by another of its threads at that moment."""
    assert run(_UPDATING).split() == ["0", "1"]


_TASK = """
import asyncio, os, signal, sys, time
from flagcore import FlagClient, HTTPSource

async def main():
    source = HTTPSource(sys.argv[1], "native", stream_url=sys.argv[1] + "/stream", poll_seconds=0.1)
    async with FlagClient(source, cache_dir=None) as client:
        assert await client.await_ready(10)
        child = os.fork()
        if not child:
            signal.alarm(20)
            first = client.get_string("theme")
            print("child", first, flush=True)
            while client.get_string("theme") == first:
                time.sleep(0.005)
            print("child", client.get_string("theme"), flush=True)
            client.close()
            os._exit(0)
        print("parent", client.get_string("theme"), flush=True)
        while client.get_string("theme") == "before":
            await asyncio.sleep(0.005)
        print("parent", client.get_string("theme"), flush=True)
        assert os.waitpid(child, 0)[1] == 0

asyncio.run(main())
"""


def test_a_child_of_a_loop_follows_by_a_thread_and_leaves_the_loops_connection_alone(tmp_path: Path) -> None:
    """Both see the change; the child has nothing of the parent's event loop."""
    file = tmp_path / "flags.yaml"
    file.write_text("flags:\n  theme: {value: before}\n")
    with serving(file) as server:
        url = f"{server.base_url}".rstrip("/") + "/api/v1/document"
        command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", _TASK, url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert {process.stdout.readline(), process.stdout.readline()} == {"child before\n", "parent before\n"}
            assert put(server, "theme", "after").status_code == 200
            rest, said = process.communicate(timeout=30)
    assert sorted(rest.splitlines()) == ["child after", "parent after"]
    assert (process.returncode, said) == (0, "")


_LOADING = """
import sys, threading

class Loads:
    # Asked for every module that is not loaded yet, before any other.
    def __init__(self):
        self.elsewhere = []

    def find_spec(self, name, path=None, target=None):
        if threading.current_thread() is not threading.main_thread():
            self.elsewhere.append(name)

from flagcore import FlagClient, HTTPSource
loads = Loads()
sys.meta_path.insert(0, loads)
url = sys.argv[1]
client = FlagClient(HTTPSource(url, "native", stream_url=url + "/stream", poll_seconds=0.1), cache_dir=sys.argv[2])
heard = threading.Event()
client.on_change(lambda _: heard.set())
client.start(10)
heard.wait(10)
client.close()
print(loads.elsewhere)
"""


def test_a_feed_loads_no_module_in_its_thread(tmp_path: Path) -> None:
    """A module half loaded when the process forks would stay half loaded in the child for ever."""
    file = tmp_path / "flags.yaml"
    file.write_text("flags:\n  theme: {value: before, rules: [{if: 'org == \"x\"', value: after}]}\n")
    with serving(file) as server:
        url = f"{server.base_url}".rstrip("/") + "/api/v1/document"
        assert run(_LOADING, url, str(tmp_path / "cache")).strip() == "[]"
