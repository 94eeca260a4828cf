"""
The HTTP sources' constructors: what they refuse, what they show, and what they ask for. No socket.
"""

from __future__ import annotations

import math
import ssl
import subprocess
import sys
from urllib.parse import quote

import pytest

from flagcore.errors import ConfigError, StateError
from flagcore.network.address import Address
from flagcore.source import Source
from flagcore.sources.http import FoffSource, HTTPSource, SoasapSource

URL = "https://flags.example.test/flags"


class TestRefusals:
    @pytest.mark.parametrize(
        "url",
        ["", None, 5, "flags.example.test", "ftp://x/", "http://", "https:///path", "http://x:99999/", "http://x:y/",
         "http://[::1/", "http://a b/", "http://a/\n", " http://a/", "file:///etc/passwd", "http://\u2028/"],
    )  # fmt: skip
    def test_no_url(self, url):
        """What is no http or https URL with a host is refused by name."""
        with pytest.raises(ConfigError, match=r"^url: expected"):
            HTTPSource(url, "native")
        if url is not None:
            with pytest.raises(ConfigError, match=r"^stream_url: expected"):
                HTTPSource(URL, "native", stream_url=url)
            with pytest.raises(ConfigError, match=r"^base_url: expected"):
                FoffSource("key", "scope", base_url=url)
            with pytest.raises(ConfigError, match=r"^base_url: expected"):
                SoasapSource("key", base_url=url)
            with pytest.raises(ConfigError, match=r"^proxy: expected"):
                HTTPSource(URL, "native", proxy=url)

    def test_a_password_in_a_bad_url_is_not_shown(self):
        """The message names the fault, not the text."""
        with pytest.raises(ConfigError) as refused:
            HTTPSource("ftp://me:s3cret@x/", "native")
        assert "s3cret" not in str(refused.value)

    def test_an_unknown_format(self):
        """The formats there are, are named."""
        with pytest.raises(ConfigError, match="foff"):
            HTTPSource(URL, "fof")

    @pytest.mark.parametrize("value", [-1, math.nan, math.inf, "5", None, True])
    def test_no_number_of_seconds(self, value):
        """No negative, infinite or missing time."""
        with pytest.raises(ConfigError, match="poll_seconds"):
            HTTPSource(URL, "native", poll_seconds=value)
        with pytest.raises(ConfigError, match="polling_interval"):
            FoffSource("key", "scope", polling_interval=value)

    @pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, "5", None, False])
    def test_no_deadline(self, value):
        """There is always a time-out, and it is never none."""
        for make in (
            lambda: HTTPSource(URL, "native", timeout_seconds=value),
            lambda: FoffSource("key", "scope", timeout_seconds=value),
            lambda: SoasapSource("key", timeout_seconds=value),
        ):
            with pytest.raises(ConfigError, match="timeout_seconds"):
                make()

    @pytest.mark.parametrize(
        "key", ["", None, 5, b"key", "s3cret\n", " s3cret", "s3cret\r\nX: y", "s3cret\0", "s3cret€"]
    )
    def test_no_key(self, key):
        """A key that is missing, or that no header can hold, is refused without being shown."""
        for make in (FoffSource, lambda key, _: SoasapSource(key)):
            with pytest.raises(ConfigError, match=r"^api_key: expected") as refused:
                make(key, "scope")
            assert "s3cret" not in str(refused.value)

    @pytest.mark.parametrize("scope", ["", None, 5])
    def test_no_scope(self, scope):
        """A Foff key is for a scope."""
        with pytest.raises(ConfigError, match=r"^scope: expected"):
            FoffSource("key", scope)

    @pytest.mark.parametrize(
        "headers",
        [["X"], "X: y", {1: "x"}, {"X": 1}, {"X": "s3cret\n"}, {"X Y": "s3cret"}, {"": "s3cret"}, {"X\r\n": "s3cret"},
         {"Host": "s3cret"}, {"content-length": "5"}],
    )  # fmt: skip
    def test_no_headers(self, headers):
        """What could not be sent, or would break the connection, is refused without its value."""
        with pytest.raises(ConfigError, match="headers: ") as refused:
            HTTPSource(URL, "native", headers=headers)
        assert "s3cret" not in str(refused.value)

    @pytest.mark.parametrize("verify", [None, 1, b"x"])
    def test_no_verify(self, verify):
        """Whose certificates are believed is never a guess."""
        with pytest.raises(ConfigError, match=r"^verify: expected"):
            HTTPSource(URL, "native", verify=verify)

    def test_a_missing_or_broken_file_of_certificates(self, tmp_path):
        """A path that gives no certificates is refused before any request."""
        with pytest.raises(ConfigError, match=r"^verify: expected"):
            HTTPSource(URL, "native", verify=tmp_path / "missing.pem")
        (tmp_path / "broken.pem").write_text("nothing")
        with pytest.raises(ConfigError, match=r"^verify: expected"):
            HTTPSource(URL, "native", verify=str(tmp_path / "broken.pem"))

    def test_a_base_url_with_a_query(self):
        """A path can't be put behind a query."""
        with pytest.raises(ConfigError, match=r"^base_url: expected"):
            SoasapSource("key", base_url="https://x/?y")


class TestDescription:
    def test_is_a_source(self):
        """All three are sources."""
        for source in (HTTPSource(URL, "native"), FoffSource("k", "s"), SoasapSource("k")):
            assert isinstance(source, Source)

    def test_http(self):
        """What was given, and the defaults."""
        source = HTTPSource(URL, "foff", stream_url="https://flags.example.test:8443/live")
        assert (source.poll_url, source.stream_url) == (URL, "https://flags.example.test:8443/live")
        assert (source.name, source.format, source.poll_seconds, source.timeout_seconds) == (URL, "foff", 30.0, 10.0)

    def test_foff(self):
        """One path per scope, percent-encoded."""
        source = FoffSource("k", "a/b é", base_url="https://x/live/", polling_interval=0)
        assert source.poll_url == f"https://x/live/api/v1/scopes/{quote('a/b é', safe='')}/configs"
        assert (source.stream_url, source.format, source.poll_seconds) == (None, "foff", 0.0)
        assert FoffSource("k", "s").poll_url == "https://foff.twospoon.ai/live/api/v1/scopes/s/configs"

    def test_soasap(self):
        """A stream, and nothing else."""
        source = SoasapSource("k")
        assert (source.poll_url, source.stream_url) == (None, "https://api.soasap.com/api/v1/flags/live")
        assert source.format == "soasap"
        with pytest.raises(StateError, match="FlagClient"):
            source.fetch(None)

    def test_nothing_shown_is_secret(self):
        """Neither repr nor name has a header, a key, a password or a query."""
        source = HTTPSource("https://me:s3cret@x/flags?token=s3cret", "native", headers={"X": "s3cret"},
                            stream_url="https://me:s3cret@x/live?token=s3cret", proxy="http://me:s3cret@p")  # fmt: skip
        for each in (
            source,
            FoffSource("s3cret", "s"),
            SoasapSource("s3cret"),
            source.poll_target(),
            source.stream_target(),
        ):
            assert "s3cret" not in repr(each)
        assert source.name == "https://x/flags"
        assert repr(source) == "HTTPSource('https://x/flags', format='native', stream_url='https://x/live')"

    def test_a_context_of_ones_own_is_taken(self):
        """An ssl.SSLContext goes as it is."""
        context = ssl.create_default_context()
        assert HTTPSource(URL, "native", verify=context).trust().context() is context

    def test_loads_no_network_library(self):
        """Making a source is cheap: the library that sends is loaded by what sends."""
        code = (
            "import sys; from flagcore.sources.http import *; "
            "HTTPSource('https://x', 'native', headers={'A': 'b'}).identity; FoffSource('k', 's'); SoasapSource('k'); "
            "print(sorted({'httpx', 'httpcore', 'anyio', 'asyncio', 'ssl'} & set(sys.modules)))"
        )
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert run.stdout.strip() == "[]"


class TestIdentity:
    def test_tells_sources_apart(self):
        """Another URL, stream, format, header or key is another identity."""
        identities = [
            HTTPSource(URL, "native").identity,
            HTTPSource(URL + "?x", "native").identity,
            HTTPSource("https://me@flags.example.test/flags", "native").identity,
            HTTPSource(URL, "foff").identity,
            HTTPSource(URL, "native", stream_url=URL).identity,
            HTTPSource(URL, "native", headers={"A": "b"}).identity,
            HTTPSource(URL, "native", headers={"A": "c"}).identity,
            HTTPSource(URL, "native", headers={"A": "b", "C": "d"}).identity,
            HTTPSource(URL, "native", headers={"A": "bd", "C": ""}).identity,
            FoffSource("k", "s").identity,
            FoffSource("k", "t").identity,
            FoffSource("l", "s").identity,
            SoasapSource("k").identity,
        ]
        assert len(set(identities)) == len(identities)

    def test_is_the_same_in_every_process_whatever_does_not_matter(self):
        """How often and how patiently it is fetched makes no other document."""
        one = HTTPSource(URL, "native", headers={"X-Key": "s3cret"})
        two = HTTPSource(URL, "native", headers={"x-key": "s3cret"}, poll_seconds=1, timeout_seconds=2, verify=False)
        assert one.identity == two.identity
        code = (
            "from flagcore.sources.http import HTTPSource; "
            f"print(HTTPSource({URL!r}, 'native', headers={{'X-Key': 's3cret'}}).identity.hex())"
        )
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert run.stdout.strip() == one.identity.hex()
        assert b"s3cret" not in one.identity


class TestAddress:
    @pytest.mark.parametrize(
        ("text", "url"),
        [
            ("http://X.example", "http://x.example/"),
            ("http://x:80/a", "http://x/a"),
            ("https://x:443?q=1#f", "https://x/?q=1"),
            ("https://x:8443/a%20b?c=é", "https://x:8443/a%20b?c=%C3%A9"),
            ("http://[::1]:8080/", "http://[::1]:8080/"),
            ("http://bücher.example/", "http://xn--bcher-kva.example/"),
            ("http://me:pw@x/", "http://x/"),
        ],
    )
    def test_reads_urls(self, text, url):
        """Host, port, path and query, as a request has them."""
        assert Address.parse(text).url == url

    def test_keeps_userinfo_apart(self):
        """A login is decoded, for the header it becomes."""
        assert Address.parse("http://me%40x:p%3Aw@x/").userinfo == "me@x:p:w"

    @pytest.mark.parametrize(
        ("location", "url"),
        [
            ("/b", "https://x/b"),
            ("b?c", "https://x/a/b?c"),
            ("//y/b", "https://y/b"),
            ("http://y:81/b#f", "http://y:81/b"),
            ("https://me:pw@y/", "https://y/"),
            ("/é", "https://x/%C3%A9"),
        ],
    )
    def test_joins_locations(self, location, url):
        """As a browser would, but without the userinfo."""
        joined = Address.parse("https://x/a/?q").join(location)
        assert (joined.url, joined.userinfo) == (url, "")

    @pytest.mark.parametrize("location", ["ftp://x/", "http://", "http://x:y/", "javascript:1", "/a b"])
    def test_refuses_locations(self, location):
        """What can't be asked is a ValueError."""
        with pytest.raises(ValueError, match="got"):
            Address.parse("https://x/").join(location)
