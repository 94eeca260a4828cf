"""
Faults that no server has: a name that is never found, a certificate that nobody knows.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time

import pytest
import trustme

from flagcore import FlagClient, HTTPSource, Status
from flagcore.testing import FaultyServer
from tests.documents import eventually, native
from tests.faults.subject import Listener, Portal
from tests.faults.trial import PROMPT, says_once


@pytest.mark.parametrize("world", ["thread", "asyncio", "trio"])
def test_a_name_look_up_that_hangs_is_an_outage(world: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each attempt has its deadline, all together cost one thread, and the answer is used once there is one."""
    release, genuine = threading.Event(), socket.getaddrinfo

    def getaddrinfo(host, *rest, **more):
        if host != "flags.example.test":
            return genuine(host, *rest, **more)
        release.wait(10)
        return genuine("127.0.0.1", *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    errors = []
    with FaultyServer(native(a=1)) as server, Listener().listening() as listener:
        url = f"http://flags.example.test:{server.port}/flags"
        source = HTTPSource(url, "native", poll_seconds=0.05, timeout_seconds=0.1)
        client = FlagClient(source, cache_dir=None, on_error=errors.append)
        with Portal(world) as portal:
            portal.start(client)
            eventually(lambda: len(errors) >= 2)
            assert client.status is Status.ERROR
            assert client.get_int("a") == 0
            assert len([each for each in threading.enumerate() if "look-up" in each.name]) == 1
            release.set()
            eventually(lambda: client.get_int("a") == 1)
            began = time.monotonic()
            portal.close(client)
            assert time.monotonic() - began < PROMPT
    assert says_once([message for message, _ in listener.of(source.name)])
    assert len(listener.heard) == 2


@pytest.mark.parametrize("world", ["thread", "asyncio"])
def test_a_certificate_that_nobody_knows_is_an_outage(world: str) -> None:
    """And the last good document stays; the key is sent to nobody who can't show who he is."""
    authority, stranger = trustme.CA(), trustme.CA()
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    known, unknown = (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for _ in range(2))
    authority.issue_cert("127.0.0.1").configure_cert(known)
    stranger.issue_cert("127.0.0.1").configure_cert(unknown)
    with FaultyServer(native(a=1), tls=known) as server, Listener().listening() as listener:
        source = HTTPSource(server.url, "native", poll_seconds=0.05, verify=trust)
        client = FlagClient(source, cache_dir=None)
        with Portal(world) as portal:
            portal.start(client)
            eventually(lambda: client.get_int("a") == 1)
            server.tls = unknown
            server.update(native(a=2))
            server.heal()  # cuts the connection that was trusted
            eventually(lambda: client.status is Status.STALE)
            requests = server.requests
            server.fault("tls-wrong")
            time.sleep(0.1)
            assert client.get_int("a") == 1
            assert server.requests == requests
            server.tls = known
            server.heal()
            eventually(lambda: client.get_int("a") == 2)
            portal.close(client)
    assert says_once([message for message, _ in listener.of(source.name)])
    assert "certificate" in listener.heard[0][0]
