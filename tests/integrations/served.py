"""
A real flag server for tests: uvicorn in a thread, on a port of the kernel's, around a sample of fourteen flags.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from flagcore_server import FlagServer
from flagcore_server.serve import Runner

#: Every kind of value and entry that the native format has, with comments and quotes that an edit must leave alone.
SAMPLE = """\
# The flags of a small shop.
hierarchy: [org, team]

flags:
  new-checkout:                # the big one
    description: The one-page checkout
    owner: payments
    expires: 2099-03-01
    tags: [checkout, experiment]
    value: false   # off until it is tested

  maintenance-mode:
    description: Closes the shop
    value: false

  theme:
    description: Colours
    owner: design
    value: 'light'   # quoted so
    overrides:
      - {org: acme, value: dark}
      - {org: acme, team: growth, value: midnight}
      - {org: "a#b", value: hidden}
      - {org: default, value: hidden}

  limits:
    value:
      max_items: 20      # per basket
      max_total: 999.5
  search-engine:
    variants: {small: {shards: 1}, large: {shards: 8}}
    value: small
    expires: 2020-01-31
  greeting: {value: "W\\u00eblcome \\u2603"}
  markup:
    description: <img src=x onerror="document.title='owned'">
    value: <script>document.title='owned'</script>
  note:
    value: |
      two
      lines
  nothing:
    value:
  page-size: {value: 24}
  ratio: {value: 0.25}
  countries: {value: [NL, BE]}
  "odd key/with slash": {value: true}
  last: {value: plain}   # no flag after this one
"""


def sample_in(folder: Path) -> Path:
    """
    A new `flags.yaml` with the sample.
    """
    file = folder / "flags.yaml"
    file.write_text(SAMPLE, encoding="utf-8")
    return file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """
    The sample's file. A test module takes this over by name: `path, client = served.path, served.client`.
    """
    return sample_in(tmp_path)


@pytest.fixture
def client(path: Path) -> Iterator[httpx.Client]:
    """
    A client of a server for it, which asks for no key.
    """
    with serving(path) as client:
        yield client


@contextmanager
def running(runner: uvicorn.Server) -> Iterator[str]:
    """
    The server's URL while it runs in a thread; stopped as by a signal on leaving.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=runner.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        yield url
    finally:
        runner.should_exit = True
        thread.join(10)
        assert not thread.is_alive(), "the server did not stop"


@contextmanager
def serving(path: Path, **options: Any) -> Iterator[httpx.Client]:
    """
    A client of a flag server for the file at `path`; `options` are `FlagServer`'s.
    """
    options.setdefault("loopback", True)
    with running(Runner(FlagServer(path, **options))) as url, httpx.Client(base_url=url, timeout=10) as client:
        yield client


def put(client: httpx.Client, key: str, value: Any, version: str = "*", **headers: str) -> httpx.Response:
    """
    The answer to a change made as the page makes it.
    """
    quoted = key.replace("/", "%2F")
    body = json.dumps({"value": value})
    sent = {"content-type": "application/json", "if-match": version, **headers}
    return client.put(f"/api/v1/flags/{quoted}", content=body, headers=sent)


def state(client: httpx.Client) -> dict[str, Any]:
    """
    What the page knows: {member: value}, with `flags` as {key: flag}.
    """
    answer = client.get("/api/v1/admin/state")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return {**found, "flags": {each["key"]: each for each in found["flags"]}}


class Stream:
    """
    An open stream of events.
    """

    def __init__(self, client: httpx.Client, path: str, **headers: str) -> None:
        self._context = client.stream("GET", path, headers=headers)
        self.response = self._context.__enter__()
        self._lines = self.response.iter_lines()

    def __enter__(self) -> Stream:  # noqa: PYI034 - Self is not in Python 3.10
        return self

    def __exit__(self, *_: object) -> None:
        self._context.__exit__(None, None, None)

    def next(self, type_: str = "message") -> dict[str, str]:
        """
        The next event of a type: {field: value}, `event` among them.
        """
        fields = {"event": "message"}
        for line in self._lines:
            if line.startswith(":"):
                continue
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
                continue
            if "data" in fields and fields["event"] == type_:
                return fields
            fields = {"event": "message"}
        raise EOFError("the stream ended")

    def json(self, type_: str = "message") -> Any:
        """
        The next event's data, decoded.
        """
        return json.loads(self.next(type_)["data"])


def eventually(check: Any, *, within_seconds: float = 5.0) -> Any:
    """
    What `check` returns, as soon as that is true.
    """
    end = time.monotonic() + within_seconds
    while True:
        found = check()
        if found or time.monotonic() > end:
            assert found, f"not within {within_seconds} s"
            return found
        time.sleep(0.02)
