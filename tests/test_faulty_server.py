"""
The faulty server itself, by the plainest of clients: what it says on the wire.
"""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from email.utils import parsedate_to_datetime

import pytest

from flagcore.errors import ConfigError
from flagcore.network.retry_after import parse_retry_after
from flagcore.testing import Fault, FaultyServer
from tests.documents import native
from tests.loopback import until

DOCUMENT = native(name="日本")


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer(DOCUMENT, heartbeat_seconds=0.1) as running:
        yield running


class Client:
    """
    Speaks HTTP as the standard library does; closes all it opened.
    """

    def __init__(self, server: FaultyServer, opened: ExitStack) -> None:
        self._server = server
        self._opened = opened

    def ask(self, *, port: int = 0, etag: str | None = None, accept: str = "*/*") -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", port or self._server.port, timeout=2)
        self._opened.callback(connection.close)
        connection.request("GET", "/any/path", headers={"Accept": accept, **({"If-None-Match": etag} if etag else {})})
        response = connection.getresponse()
        self._opened.callback(response.close)
        return response

    def listen(self, *, until_bytes: bytes) -> list[bytes]:
        """What a stream says, chunk by chunk, up to `until_bytes`."""
        response, heard = self.ask(accept="text/event-stream"), [b""]
        while until_bytes not in b"".join(heard):
            heard.append(response.read1(1000))
            assert heard[-1], heard
        self._opened.close()
        return heard


@pytest.fixture
def client(server: FaultyServer) -> Iterator[Client]:
    with ExitStack() as opened:
        yield Client(server, opened)


def test_serves_its_document_with_an_etag(server: FaultyServer, client: Client) -> None:
    """At any path; 304 to who has it; another etag after an update."""
    response = client.ask()
    assert json.loads(response.read()) == DOCUMENT
    etag = response.headers["ETag"]
    assert client.ask(etag=etag).status == 304
    server.update('{"flags": {}}')
    assert client.ask(etag=etag).read() == b'{"flags": {}}'
    assert (server.requests, server.connections, len(server.calls)) == (3, 3, 3)
    assert server.calls[1].headers["if-none-match"] == etag


def test_streams_each_document_with_its_number(server: FaultyServer, client: Client) -> None:
    """And heartbeats between them."""
    heard = b"".join(client.listen(until_bytes=b"\n:\n\n"))
    assert heard.startswith(b"id: 1\ndata: " + json.dumps(DOCUMENT, ensure_ascii=False).encode() + b"\n\n")
    server.update(b"{}")
    assert b"".join(client.listen(until_bytes=b"\n\n")) == b"id: 2\ndata: {}\n\n"
    until(lambda: server.open_connections == 0)


@pytest.mark.parametrize("fault", Fault)
def test_heals_of_every_fault_and_ends_in_time(server: FaultyServer, client: Client, fault: Fault) -> None:
    """With a client in the midst of it; on the same port."""
    port = server.port
    server.fault(fault.value)
    assert server.active is fault
    held = socket.socket()
    held.settimeout(0.2)
    try:
        held.connect(("127.0.0.1", port))
        held.sendall(b"GET / HTTP/1.1\r\nAccept: text/event-stream\r\n\r\n")
    except OSError:
        assert fault in (Fault.REFUSED, Fault.RESTARTING, Fault.ACCEPT_HANGS)
    server.heal()
    assert server.active is None
    assert json.loads(client.ask().read()) == DOCUMENT
    began = time.monotonic()
    server.close()
    assert time.monotonic() - began < 1
    held.close()


@pytest.mark.parametrize(
    ("fault", "status"),
    [("401", 401), ("403", 403), ("404", 404), ("500", 500), ("503", 503), ("redirect-loop", 301)],
)
def test_answers_with_a_status(server: FaultyServer, client: Client, fault: str, status: int) -> None:
    """To fetches and to streams."""
    server.fault(fault)
    assert [client.ask().status, client.ask(accept="text/event-stream").status] == [status, status]


@pytest.mark.parametrize("fault", ["429-seconds", "429-date", "429-iso"])
def test_asks_to_be_left_alone(server: FaultyServer, client: Client, fault: str) -> None:
    """In each of the forms that Retry-After is met in."""
    server.fault(fault)
    response = client.ask()
    said = response.headers["Retry-After"]
    assert response.status == 429
    assert 0 < (parse_retry_after(said, time.time()) or 0) <= 2
    assert said == "2" if fault == "429-seconds" else "T" in said
    if fault == "429-date":
        assert parsedate_to_datetime(said).tzinfo is not None


def test_redirects_to_another_origin(server: FaultyServer, client: Client) -> None:
    """Which has the document, and remembers who came."""
    server.fault("redirect-elsewhere")
    location = client.ask().headers["Location"]
    port = location.split("/")[2].split(":")[1]
    assert port != str(server.port)
    assert json.loads(client.ask(port=int(port)).read()) == DOCUMENT
    assert [call.path for call in server.calls_elsewhere] == ["/any/path"]


def test_the_bomb_is_what_it_says(server: FaultyServer, client: Client) -> None:
    """A whole gzip, small on the wire, whose end nobody should ever reach."""
    server.fault("gzip-bomb")
    packed = client.ask().read()
    unpacker, size = zlib.decompressobj(47), 0
    while not unpacker.eof:
        size += len(unpacker.decompress(packed, 1 << 24))
        packed = unpacker.unconsumed_tail
    assert size == 1 << 30


def test_splits_characters(server: FaultyServer, client: Client) -> None:
    """No chunk holds a whole character of several bytes."""
    server.fault("split-characters")
    heard = client.listen(until_bytes=b"\n\n")
    assert all("日" not in part.decode(errors="replace") for part in heard)
    assert "日本" in b"".join(heard).decode()


def test_ids_begin_again_at_one(server: FaultyServer, client: Client) -> None:
    """And the etag is another one nevertheless, as the standard asks."""
    server.update(DOCUMENT)
    etag = client.ask().headers["ETag"]
    server.fault("versions-begin-again")
    assert b"".join(client.listen(until_bytes=b"\n\n")).startswith(b"id: 1\n")
    assert client.ask().headers["ETag"] != etag


def test_serves_an_older_document(server: FaultyServer, client: Client) -> None:
    """The one before the newest, until it heals."""
    server.update(b"{}")
    server.fault("older-document")
    assert json.loads(client.ask().read()) == DOCUMENT
    server.heal()
    assert client.ask().read() == b"{}"


def test_refuses_what_it_does_not_know(server: FaultyServer, client: Client) -> None:
    """With what it does know; and documents that are none."""
    with pytest.raises(ConfigError, match="slow-drip"):
        server.fault("slow-drop")
    with pytest.raises(ConfigError, match="expected a mapping"):
        server.update(3)  # type: ignore[arg-type]


def test_an_override_loads_no_server() -> None:
    """Importing `flagcore.testing` costs next to nothing."""
    program = "import sys, flagcore.testing; sys.exit('flagcore.testing.scripted' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
