"""
Requests on the wire, blocking and awaiting: the same tests for both, against a real server.
"""

from __future__ import annotations

import gzip
import random
import socket
import ssl
import threading
import time
import tracemalloc
import zlib
from base64 import b64encode
from email.utils import formatdate

import anyio
import pytest
import trustme

from flagcore.errors import SourceDenied, SourceUnavailable
from flagcore.network.content import MAX_BODY_BYTES
from flagcore.network.loop import Loop
from flagcore.network.refusal import StreamRefused
from flagcore.network.tasks import AsyncNetwork
from flagcore.network.threads import Network
from flagcore.source import SAME, Body
from flagcore.sources.http import HTTPSource
from tests.loopback import Server, closed_port, until

BODY = b'{"flags": {}}'


class Asking:
    """One source's network, in one of three worlds, behind blocking calls."""

    def __init__(self, world):
        self.world = world

    def fetch(self, source, etag=None):
        if self.world == "thread":
            return source.fetch(etag)
        return anyio.run(self._fetch, source, etag, backend=self.world)

    def listen(self, source, *, last_event_id="", reads=1):
        """What `reads` reads of the stream give."""
        if self.world == "thread":
            network = Network(source)
            try:
                network.open(last_event_id)
                return [network.read() for _ in range(reads)]
            finally:
                network.close()
        return anyio.run(self._listen, source, last_event_id, reads, backend=self.world)

    async def _fetch(self, source, etag):
        network = AsyncNetwork(source, Loop())
        try:
            return await network.fetch(etag)
        finally:
            await network.aclose()

    async def _listen(self, source, last_event_id, reads):
        network = AsyncNetwork(source, Loop())
        try:
            await network.open(last_event_id)
            return [await network.read() for _ in range(reads)]
        finally:
            await network.aclose()


@pytest.fixture(params=["thread", "asyncio", "trio"])
def ask(request):
    """Each way of sending."""
    return Asking(request.param)


def source(server, **options):
    return HTTPSource(f"{server.url}/flags", "native", **options)


def live(server, **options):
    return source(server, stream_url=f"{server.url}/live", **options)


def test_gives_the_body_with_its_etag(ask, server):
    """200 is a document."""
    server.script["/flags"] = lambda call: call.answer(200, BODY, ETag='"1"')
    assert ask.fetch(source(server)) == Body(BODY, '"1"')
    assert server.calls[0].headers["accept-encoding"] == "gzip"


def test_unchanged_is_same(ask, server):
    """304 is SAME when an etag was sent, and a fault when none was."""
    server.script["/flags"] = lambda call: call.answer(304)
    assert ask.fetch(source(server), '"1"') is SAME
    assert server.calls[0].headers["if-none-match"] == '"1"'
    with pytest.raises(SourceUnavailable, match="got 304"):
        ask.fetch(source(server))


@pytest.mark.parametrize("etag", ["a\nb", "€", " a"])
def test_an_etag_that_no_header_can_hold_is_left_out(ask, server, etag):
    """The whole document comes instead."""
    server.script["/flags"] = lambda call: call.answer(200, BODY)
    assert ask.fetch(source(server), etag) == Body(BODY)
    assert "if-none-match" not in server.calls[0].headers


@pytest.mark.parametrize("status", [201, 204, 206, 300, 305, 400, 404, 408, 410, 418, 429, 500, 503])
def test_any_other_status_is_unavailable(ask, server, status):
    """The message names status and address, without the query."""
    server.script["/flags"] = lambda call: call.answer(status)
    with pytest.raises(SourceUnavailable, match=f"/flags: expected 200, got {status}$") as failed:
        ask.fetch(HTTPSource(f"{server.url}/flags?token=s3cret", "native"))
    assert failed.value.retry_after is None
    assert server.calls[0].target == "/flags?token=s3cret"


@pytest.mark.parametrize("status", [401, 403])
def test_denied(ask, server, status):
    """401 and 403 are no matter of time."""
    server.script["/flags"] = lambda call: call.answer(status)
    with pytest.raises(SourceDenied) as denied:
        ask.fetch(source(server))
    assert denied.value.status == status


@pytest.mark.parametrize("value", ["7", formatdate(time.time() + 7, usegmt=True)])
def test_hands_on_retry_after(ask, server, value):
    """Seconds or a date."""
    if not value.isdigit():
        value = formatdate(time.time() + 7.5, usegmt=True)
    server.script["/flags"] = lambda call: call.answer(429, Retry_After=value)
    with pytest.raises(SourceUnavailable) as failed:
        ask.fetch(source(server))
    assert 5 < failed.value.retry_after <= 8


def test_sends_userinfo_as_basic_authorization(ask, server):
    """A login in the URL becomes a header, unless one was given."""
    server.script["/flags"] = lambda call: call.answer(200, BODY)
    url = server.url.replace("//", "//me:p%40w@") + "/flags"
    ask.fetch(HTTPSource(url, "native"))
    ask.fetch(HTTPSource(url, "native", headers={"Authorization": "Bearer x"}))
    assert server.calls[0].headers["authorization"] == "Basic " + b64encode(b"me:p@w").decode()
    assert server.calls[1].headers["authorization"] == "Bearer x"
    assert server.calls[0].headers["host"] == f"127.0.0.1:{server.port}"


def test_a_header_of_the_callers_replaces_the_agent_but_not_what_is_asked_for(ask, server):
    """User-Agent may be one's own; the conditions of the request are not."""
    server.script["/flags"] = lambda call: call.answer(200, BODY)
    ask.fetch(source(server, headers={"user-agent": "me", "If-None-Match": "x", "Accept-Encoding": "br"}), '"1"')
    headers = server.calls[0].headers
    assert (headers["user-agent"], headers["if-none-match"], headers["accept-encoding"]) == ("me", '"1"', "gzip")


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_follows(self, ask, server, status):
        """The five kinds are followed, with headers and etag, within the origin."""
        server.script["/flags"] = lambda call: call.answer(status, b"gone", Location="/new?x")
        server.script["/new"] = lambda call: call.answer(200, BODY)
        assert ask.fetch(source(server, headers={"X-Key": "k"}), '"1"') == Body(BODY)
        assert server.calls[1].target == "/new?x"
        assert server.calls[1].headers["x-key"] == "k"
        assert server.calls[1].headers["if-none-match"] == '"1"'

    def test_another_origin_gets_none_of_the_callers_headers(self, ask, server):
        """A key is for whom it was given to: another port is another origin, and so is the way back."""
        with Server() as other:
            server.script["/flags"] = lambda call: call.answer(302, Location=f"{other.url}/on")
            other.script["/on"] = lambda call: call.answer(302, Location=f"{server.url}/back")
            server.script["/back"] = lambda call: call.answer(200, BODY)
            url = server.url.replace("//", "//me:pw@") + "/flags"
            ask.fetch(HTTPSource(url, "native", headers={"X-Key": "k", "User-Agent": "me"}))
            assert server.calls[0].headers["x-key"] == "k"
            for call in (other.calls[0], server.calls[1]):
                assert not {"x-key", "authorization"} & set(call.headers)
                assert call.headers["user-agent"].startswith("flagcore/")

    def test_a_denial_behind_a_redirect_says_what_to_do(self, ask, server):
        """Whoever is denied because the key was not passed on learns of it."""
        with Server() as other:
            server.script["/flags"] = lambda call: call.answer(302, Location=f"{other.url}/on")
            other.script["/on"] = lambda call: call.answer(401)
            with pytest.raises(SourceDenied, match="use the new URL"):
                ask.fetch(source(server, headers={"X-Key": "k"}))

    def test_a_loop_ends(self, ask, server):
        """Five redirects, and no more."""
        server.script["/flags"] = lambda call: call.answer(302, Location="/flags")
        with pytest.raises(SourceUnavailable, match="at most 5 redirects"):
            ask.fetch(source(server))
        assert len(server.calls) == 6

    @pytest.mark.parametrize("headers", [{}, {"Location": ""}, {"Location": "ftp://x/"}, {"Location": "http://x:y/"}])
    def test_to_nowhere_is_a_fault(self, ask, server, headers):
        """A redirect that says not where to, or where nobody can go, is no loop."""
        server.script["/flags"] = lambda call: call.answer(302, **headers)
        with pytest.raises(SourceUnavailable, match="expected a redirect"):
            ask.fetch(source(server))
        assert len(server.calls) == 1


class TestBodies:
    def test_unpacks_gzip(self, ask, server):
        """gzip in one stream or in several, and deflate."""
        packed = gzip.compress(BODY[:5]) + gzip.compress(BODY[5:])
        server.script["/flags"] = lambda call: call.answer(200, packed, Content_Encoding="gzip")
        assert ask.fetch(source(server)) == Body(BODY)
        server.script["/flags"] = lambda call: call.answer(200, zlib.compress(BODY), Content_Encoding="deflate")
        assert ask.fetch(source(server)) == Body(BODY)

    def test_unpacks_what_is_larger_than_a_piece(self, ask, server):
        """A document that unpacks to several pieces comes whole, to the last byte."""
        body = bytes(3 * 1024 * 1024 + 1)
        server.script["/flags"] = lambda call: call.answer(200, gzip.compress(body), Content_Encoding="gzip")
        assert ask.fetch(source(server)).content == body

    @pytest.mark.parametrize(
        ("encoding", "body"),
        [("gzip", gzip.compress(BODY)[:-9]), ("gzip", b"nothing packed"), ("gzip", b""), ("br", BODY)],
    )
    def test_refuses_what_can_not_be_unpacked(self, ask, server, encoding, body):
        """Cut short, broken, or packed in a way nobody asked for."""
        server.script["/flags"] = lambda call: call.answer(200, body, Content_Encoding=encoding)
        with pytest.raises(SourceUnavailable, match="expected a"):
            ask.fetch(source(server))

    def test_a_bomb_takes_no_memory(self, ask, server):
        """A gigabyte in a megabyte of gzip is refused at the cap."""
        packer = zlib.compressobj(9, wbits=31)
        bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(256)) + packer.flush()
        server.script["/flags"] = lambda call: call.answer(200, bomb, Content_Encoding="gzip")
        tracemalloc.start()
        try:
            with pytest.raises(SourceUnavailable, match="at most"):
                ask.fetch(source(server))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 1.5 * MAX_BODY_BYTES

    def test_a_body_cut_short_is_a_fault(self, ask, server):
        """Half a document is none."""

        def flags(call):
            call.head(200, Content_Length="100")
            call.send(BODY)
            call.cut()

        server.script["/flags"] = flags
        with pytest.raises(SourceUnavailable, match="the connection failed"):
            ask.fetch(source(server))

    def test_a_dripping_body_ends_at_the_deadline(self, ask, server):
        """The time-out is for the whole, not for each byte."""

        def flags(call):
            call.head(200, Content_Length="100000")
            while not server.closing.is_set():
                call.send(b"x")
                time.sleep(0.02)

        server.script["/flags"] = flags
        began = time.monotonic()
        with pytest.raises(SourceUnavailable, match="no answer in time"):
            ask.fetch(source(server, timeout_seconds=0.3))
        assert time.monotonic() - began < 1.5

    def test_a_dripping_head_ends_at_the_deadline(self, ask, server):
        """Neither do headers that never end."""

        def flags(call):
            call.send(b"HTTP/1.1 200 X\r\n")
            while not server.closing.is_set():
                call.send(b"X: y\r\n")
                time.sleep(0.02)

        server.script["/flags"] = flags
        with pytest.raises(SourceUnavailable, match="no answer in time"):
            ask.fetch(source(server, timeout_seconds=0.3))


class TestStreams:
    def test_delivers_each_chunk_as_it_comes(self, ask, server):
        """Nothing waits for a buffer to fill; the end is the end."""

        def serve(call):
            call.stream(b"a")
            time.sleep(0.05)
            call.event(b"b")
            time.sleep(0.05)
            call.finish()

        server.script["/live"] = serve
        assert ask.listen(live(server, headers={"X-Key": "k"}), last_event_id="é7", reads=4) == [b"a", b"b", b"", b""]
        headers = server.calls[0].headers
        assert headers["last-event-id"].encode("latin-1").decode() == "é7"
        assert (headers["accept"], headers["cache-control"]) == ("text/event-stream", "no-cache")
        assert (headers["accept-encoding"], headers["x-key"]) == ("identity", "k")

    def test_silence_is_none(self, ask, server):
        """After the deadline without a byte, the stream is closed."""

        def serve(call):
            call.stream(b"a")
            call.hang()

        server.script["/live"] = serve
        quiet = live(server)
        quiet.silence_seconds = 0.1
        assert ask.listen(quiet, reads=3) == [b"a", None, b""]
        until(lambda: server.open == 0)

    def test_a_stream_that_breaks_off_is_a_fault(self, ask, server):
        """A chunked stream without its end was cut."""

        def serve(call):
            call.stream(b"a")
            call.cut()

        server.script["/live"] = serve
        with pytest.raises(SourceUnavailable, match="the connection failed"):
            ask.listen(live(server), reads=2)

    @pytest.mark.parametrize("status", [204, 401, 403])
    def test_denied(self, ask, server, status):
        """Three ways to say: do not come back."""
        server.script["/live"] = lambda call: call.answer(status)
        with pytest.raises(SourceDenied) as denied:
            ask.listen(live(server))
        assert denied.value.status == status

    @pytest.mark.parametrize("status", [404, 405, 501])
    def test_refused(self, ask, server, status):
        """There is no stream here, and there will be none soon."""
        server.script["/live"] = lambda call: call.answer(status)
        with pytest.raises(StreamRefused):
            ask.listen(live(server))

    @pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
    def test_unavailable(self, ask, server, status):
        """There will be one again."""
        server.script["/live"] = lambda call: call.answer(status, Retry_After="3")
        with pytest.raises(SourceUnavailable) as failed:
            ask.listen(live(server))
        assert not isinstance(failed.value, StreamRefused)
        assert failed.value.retry_after == 3

    @pytest.mark.parametrize(
        "headers",
        [{"Content_Type": "application/json"}, {}, {"Content_Type": "text/event-stream", "Content_Encoding": "gzip"}],
    )
    def test_another_type_is_no_stream(self, ask, server, headers):
        """200 alone opens nothing."""
        server.script["/live"] = lambda call: call.answer(200, BODY, **headers)
        with pytest.raises(StreamRefused, match=r"expected an? "):
            ask.listen(live(server))

    def test_opening_has_a_deadline(self, ask, server):
        """A stream that does not begin is not waited for."""
        server.script["/live"] = lambda call: call.hang()
        with pytest.raises(SourceUnavailable, match="no answer in time"):
            ask.listen(live(server, timeout_seconds=0.2))


class TestConnecting:
    def test_nobody_there(self, ask):
        """A refused connection says so."""
        with pytest.raises(SourceUnavailable, match=r"(?i)refused"):
            ask.fetch(HTTPSource(f"http://127.0.0.1:{closed_port()}/", "native"))

    def test_an_unknown_name(self, ask, monkeypatch):
        """The resolver's fault is the source's."""

        def getaddrinfo(*_, **__):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        with pytest.raises(SourceUnavailable, match="not known"):
            ask.fetch(HTTPSource("http://flags.example.test/", "native"))

    def test_a_resolver_that_hangs_ends_at_the_deadline(self, ask, monkeypatch):
        """A name look-up is part of the time-out."""
        release = threading.Event()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: release.wait(10) and [])
        began = time.monotonic()
        with pytest.raises(SourceUnavailable, match="no answer in time"):
            ask.fetch(HTTPSource("http://flags.example.test/", "native", timeout_seconds=0.2))
        assert time.monotonic() - began < 1
        release.set()

    def test_the_next_address_is_tried(self, ask, server, monkeypatch):
        """A name may stand for an address where nobody listens."""
        server.script["/flags"] = lambda call: call.answer(200, BODY)
        found = [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", server.port, 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port)),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        assert ask.fetch(HTTPSource(f"http://flags.example.test:{server.port}/flags", "native")) == Body(BODY)
        assert server.calls[0].headers["host"] == f"flags.example.test:{server.port}"

    def test_a_server_that_speaks_something_else(self, ask, server):
        """What is no HTTP is a fault, not a crash."""
        server.script["/flags"] = lambda call: (call.send(b"220 ready\r\n\r\n"), call.cut())
        with pytest.raises(SourceUnavailable, match="the connection failed"):
            ask.fetch(source(server))


@pytest.fixture(scope="module")
def authority():
    """A certificate authority of one's own."""
    return trustme.CA()


@pytest.fixture
def secure(authority):
    """A server with a certificate for 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Server(tls=context) as running:
        running.script["/flags"] = lambda call: call.answer(200, BODY * 5000)
        yield running


class TestTLS:
    def test_believes_a_file_or_a_context(self, ask, secure, authority, tmp_path):
        """Authorities of one's own, either way."""
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        assert ask.fetch(source(secure, verify=tmp_path / "ca.pem")) == Body(BODY * 5000)
        context = ssl.create_default_context()
        authority.configure_trust(context)
        assert ask.fetch(source(secure, verify=context)) == Body(BODY * 5000)

    def test_believes_what_the_environment_names(self, ask, secure, authority, tmp_path, monkeypatch):
        """SSL_CERT_FILE stands in for the usual authorities."""
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert ask.fetch(source(secure)) == Body(BODY * 5000)

    def test_a_broken_file_in_the_environment_is_an_outage(self, ask, secure, monkeypatch):
        """An application starts all the same."""
        monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
        with pytest.raises(SourceUnavailable):
            ask.fetch(source(secure))

    def test_believes_no_stranger(self, ask, secure):
        """A certificate of an unknown authority is refused; verify=False takes anybody's."""
        with pytest.raises(SourceUnavailable, match=r"(?i)certificate"):
            ask.fetch(source(secure))
        assert ask.fetch(source(secure, verify=False)) == Body(BODY * 5000)

    def test_streams(self, ask, secure, authority):
        """A stream's chunks come as soon in TLS."""
        context = ssl.create_default_context()
        authority.configure_trust(context)

        def serve(call):
            call.stream(b"a")
            call.hang()

        secure.script["/live"] = serve
        assert ask.listen(live(secure, verify=context)) == [b"a"]

    def test_from_https_to_http_is_refused(self, ask, secure, server, authority):
        """A redirect must not take the lock off."""
        context = ssl.create_default_context()
        authority.configure_trust(context)
        secure.script["/flags"] = lambda call: call.answer(302, Location=f"{server.url}/flags")
        with pytest.raises(SourceUnavailable, match="refused a redirect from https to http"):
            ask.fetch(source(secure, verify=context))
        assert server.calls == []

    def test_from_http_to_https_is_followed(self, ask, secure, server):
        """The other way is fine, without the headers: it is another origin."""
        server.script["/flags"] = lambda call: call.answer(301, Location=f"{secure.url}/flags")
        assert ask.fetch(source(server, verify=False, headers={"X-Key": "k"})) == Body(BODY * 5000)
        assert "x-key" not in secure.calls[0].headers


class Proxy(Server):
    """A proxy: forwards plain requests, tunnels CONNECT."""

    def _play(self, call):
        super()._play(call)
        if call.method != "CONNECT":
            return
        host, _, port = call.target.rpartition(":")
        with socket.create_connection((host, int(port))) as upstream:
            back = threading.Thread(target=self._pump, args=(upstream, call.sock), daemon=True)
            back.start()
            self._pump(call.sock, upstream)
            back.join(5)

    def _pump(self, source, sink):
        source.settimeout(0.05)
        while not self.closing.is_set():
            try:
                data = source.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                return
            if not data:
                return
            sink.sendall(data)


class TestProxies:
    @pytest.fixture(autouse=True)
    def _no_proxies(self, monkeypatch):
        for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.upper(), raising=False)

    @pytest.fixture
    def proxy(self):
        with Proxy() as running:
            yield running

    @pytest.mark.parametrize("how", ["option", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "bare"])
    def test_plain_requests_go_through_it(self, ask, proxy, monkeypatch, how):
        """By option or by environment, with the login the proxy's URL has."""
        url = f"http://me:p%40w@127.0.0.1:{proxy.port}"
        target = "http://flags.example.test/flags"
        proxy.script[target] = lambda call: call.answer(200, BODY)
        if how == "bare":
            monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{proxy.port}")
        elif how != "option":
            monkeypatch.setenv(how, url)
        given = HTTPSource(target, "native", headers={"X-Key": "k"}, proxy=url if how == "option" else None)
        assert ask.fetch(given) == Body(BODY)
        headers = proxy.calls[0].headers
        assert headers.get("proxy-authorization") == (
            None if how == "bare" else "Basic " + b64encode(b"me:p@w").decode()
        )
        assert (headers["host"], headers["x-key"]) == ("flags.example.test", "k")

    @pytest.mark.parametrize("how", ["option", "HTTPS_PROXY"])
    def test_secure_requests_are_tunnelled(self, ask, proxy, secure, monkeypatch, how):
        """The proxy sees neither headers nor document; the tunnel carries streams too."""
        url = f"http://me:pw@127.0.0.1:{proxy.port}"
        proxy.script[f"127.0.0.1:{secure.port}"] = lambda call: call.send(b"HTTP/1.1 200 X\r\n\r\n")
        if how != "option":
            monkeypatch.setenv(how, url)
        given = live(secure, verify=False, headers={"X-Key": "k"}, proxy=url if how == "option" else None)
        assert ask.fetch(given) == Body(BODY * 5000)
        assert proxy.calls[0].method == "CONNECT"
        assert "x-key" not in proxy.calls[0].headers
        assert "proxy-authorization" in proxy.calls[0].headers
        assert "proxy-authorization" not in secure.calls[0].headers

        def serve(call):
            call.stream(b"a")
            call.hang()

        secure.script["/live"] = serve
        assert ask.listen(given) == [b"a"]

    def test_an_https_proxy_tunnels_tls_in_tls(self, ask, secure, authority):
        """To a secure server behind a secure proxy."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        trust = ssl.create_default_context()
        authority.configure_trust(trust)
        with Proxy(tls=context) as proxy:
            proxy.script[f"127.0.0.1:{secure.port}"] = lambda call: call.send(b"HTTP/1.1 200 X\r\n\r\n")
            given = source(secure, verify=trust, proxy=f"https://127.0.0.1:{proxy.port}")
            assert ask.fetch(given) == Body(BODY * 5000)
            assert proxy.calls[0].method == "CONNECT"

    @pytest.mark.parametrize("rule", ["127.0.0.1", "127.0.0.1:{port}", "other, 127.0.0.1", "*"])
    def test_no_proxy_goes_past_it(self, ask, proxy, server, monkeypatch, rule):
        """NO_PROXY names hosts, with or without port."""
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", rule.format(port=server.port))
        server.script["/flags"] = lambda call: call.answer(200, BODY)
        assert ask.fetch(source(server)) == Body(BODY)
        assert proxy.calls == []

    def test_no_proxy_does_not_undo_the_option(self, ask, proxy, server, monkeypatch):
        """What code says goes before what the environment says."""
        monkeypatch.setenv("NO_PROXY", "*")
        proxy.script[f"{server.url}/flags"] = lambda call: call.answer(200, BODY)
        assert ask.fetch(source(server, proxy=proxy.url)) == Body(BODY)

    def test_a_proxy_that_refuses_is_an_outage(self, ask, proxy, monkeypatch):
        """407 on a tunnel is not the service's word, and so no denial."""
        proxy.script["flags.example.test:443"] = lambda call: call.answer(407)
        with pytest.raises(SourceUnavailable, match="407"):
            ask.fetch(HTTPSource("https://flags.example.test/", "native", proxy=proxy.url))

    def test_a_proxy_of_another_kind_is_named(self, ask, server, monkeypatch):
        """A SOCKS proxy in the environment is an outage that says why."""
        monkeypatch.setenv("ALL_PROXY", "socks5://me:s3cret@127.0.0.1:1")
        with pytest.raises(SourceUnavailable, match="socks5") as failed:
            ask.fetch(source(server))
        assert "s3cret" not in str(failed.value)


def test_messages_never_hold_a_secret(ask, server):
    """Whatever fails, the error shows neither key nor password nor query."""
    random.seed(0)
    url = f"http://me:s3cret@127.0.0.1:{server.port}/flags?token=s3cret"
    scripts = [
        lambda call: call.answer(500),
        lambda call: call.answer(401),
        lambda call: call.answer(302, Location="ftp://me:s3cret@x/?s3cret"),
        lambda call: call.answer(302, Location=f"http://me:s3cret@127.0.0.1:{server.port}/flags?s3cret"),
        lambda call: call.answer(200, b"x", Content_Encoding="gzip"),
        lambda call: call.cut(),
        lambda call: call.hang(),
    ]
    for script in scripts:
        server.script["/flags"] = script
        with pytest.raises((SourceUnavailable, SourceDenied)) as failed:
            ask.fetch(HTTPSource(url, "native", headers={"X-Key": "s3cret"}, timeout_seconds=0.3))
        assert "s3cret" not in str(failed.value)
