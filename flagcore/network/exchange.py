"""
What is said over HTTP: a generator that asks for requests and bytes, and is sent them.

No socket: `flagcore.network.threads` and `flagcore.network.tasks` carry it out, one blocking, one awaiting. What
is asked for, which redirects are followed, what each status means and how large an answer may be is here, once.
"""

from __future__ import annotations

import re
import time
from base64 import b64encode
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from flagcore.errors import SourceDenied, SourceUnavailable
from flagcore.network.address import Address
from flagcore.network.content import Content
from flagcore.network.refusal import StreamRefused
from flagcore.network.retry_after import parse_retry_after
from flagcore.source import SAME, SYNTAXES, Body, Same, Syntax, named_syntax

__all__ = [
    "Exchange",
    "Head",
    "Headers",
    "Receive",
    "Request",
    "Rest",
    "Send",
    "Target",
    "fetching",
    "is_sendable",
    "opening",
]

#: Redirects followed for one request. Deployments have one or two; a loop has no end.
_MAX_REDIRECTS = 5

#: 300 offers a choice, 304 is no redirect, 305 and 306 are history. Source: RFC 9110 §15.4.
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

#: A field value that may go on the wire. Source: RFC 9110 §5.5.
_FIELD_VALUE = re.compile(rb"([\x21-\x7e\x80-\xff]+([\t ]+[\x21-\x7e\x80-\xff]+)*)?")

T = TypeVar("T")
Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Target:
    """
    What a source's requests have in common.

    Attributes:
        address: where they go.
        headers: what the caller adds, such as a key: secrets, sent to the address's own origin only.
        agent: what to call ourselves.
        body: JSON to POST to a fetch's address; None for a GET. It may say who a user is, so that it goes to the
            address's own origin only.
    """

    address: Address
    headers: Headers = field(default=(), repr=False)
    agent: bytes = b"flagcore"
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Request:
    """
    One GET, or with a body one POST.
    """

    address: Address
    headers: Headers = field(repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Head:
    """
    The beginning of an answer; header names are in lower case.
    """

    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Send:
    """
    Ask to send `request`, dropping the answer before it. Answered with `Head`.
    """

    request: Request


@dataclass(frozen=True, slots=True)
class Receive:
    """
    Ask for the next bytes of the body. Answered with them; b"" at its end.
    """


@dataclass(frozen=True, slots=True)
class Rest:
    """
    Give others their turn, and see whether there is time left. Answered with b"".
    """


Exchange: TypeAlias = Generator[Send | Receive | Rest, Head | bytes, T]


def is_sendable(value: bytes) -> bool:
    """
    Whether `value` can be a header's value.
    """
    return _FIELD_VALUE.fullmatch(value) is not None


def fetching(target: Target, etag: str | None) -> Exchange[Body | Same]:
    """
    One document, or `SAME` when it is still the one that `etag` names.

    Raises:
        SourceDenied: 401 or 403.
        SourceUnavailable: any other status but 200 and 304; a redirect that can't be followed; a body too large.

    Source: RFC 9110 §13.1.2 (If-None-Match), §15.4 (redirects).
    """
    wanted: Headers = ((b"Accept", b"application/json, */*;q=0.5"), (b"Accept-Encoding", b"gzip"))
    known = _encoded(etag, "latin-1")
    if known:
        wanted += ((b"If-None-Match", known),)
    if target.body is not None:
        wanted += ((b"Content-Type", b"application/json"), (b"Content-Length", str(len(target.body)).encode()))
    head, address = yield from _follow(target, wanted)
    if head.status == 304 and known:
        yield Receive()  # there is nothing, but only then can the connection be used again
        return SAME
    _check_status(head, address, target, denied=(401, 403))
    content = Content(head.headers.get("content-encoding", ""))
    while True:
        part = yield Receive()
        if not isinstance(part, bytes) or not part:
            return Body(content.whole(), head.headers.get("etag"), _syntax(head, target.address))
        for _ in content.take(part):
            yield Rest()


def opening(target: Target, last_event_id: str) -> Exchange[None]:
    """
    The beginning of a stream; what is received after it is the stream's.

    Raises:
        SourceDenied: 401, 403, or 204: it asks not to come back.
        StreamRefused: another status that time won't cure, or another content type.
        SourceUnavailable: 408, 429, 5xx but 501 and 505; a redirect that can't be followed.

    Source: WHATWG HTML 9.2.3 (processing model).
    """
    wanted: Headers = (
        (b"Accept", b"text/event-stream"),
        (b"Cache-Control", b"no-cache"),
        (b"Accept-Encoding", b"identity"),  # a packer would hold events back until its block is full
    )
    begun = _encoded(last_event_id, "utf-8")
    if begun:
        wanted += ((b"Last-Event-ID", begun),)
    head, address = yield from _follow(target, wanted)
    _check_status(head, address, target, denied=(401, 403, 204), stream=True)
    media_type = head.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "text/event-stream":
        raise StreamRefused(f"{address.shown}: expected a text/event-stream, got {media_type or 'no content type'}")
    packed = head.headers.get("content-encoding", "").strip().lower()
    if packed not in ("", "identity"):
        raise StreamRefused(f"{address.shown}: expected an unpacked stream, as asked for; got it as {packed}")


def _follow(target: Target, wanted: Headers) -> Exchange[tuple[Head, Address]]:
    address, carried = target.address, _with_login(target)
    for _ in range(_MAX_REDIRECTS + 1):
        named = {name.lower() for name, _ in wanted}
        callers = tuple(each for each in carried if each[0].lower() not in named)
        standing: Headers = ((b"Host", address.authority.encode()),)
        if b"user-agent" not in {name.lower() for name, _ in callers}:
            standing += ((b"User-Agent", target.agent),)
        head = yield Send(Request(address, standing + callers + wanted, target.body))
        if not isinstance(head, Head):
            raise TypeError(f"expected a Head in answer to Send, got {type(head).__name__}")
        if head.status not in _REDIRECTS:
            return head, address
        onward = _redirected(address, head)
        if target.body is not None and (head.status not in (307, 308) or onward.origin != address.origin):
            raise SourceUnavailable(
                f"{address.shown}: expected an answer to a POST, got a redirect ({head.status}) to {onward.shown}, "
                "where the context is not sent on: use the new URL"
            )
        if onward.origin != address.origin:
            carried = ()  # a key is for whom it was given to
        address = onward
    raise SourceUnavailable(f"{target.address.shown}: expected at most {_MAX_REDIRECTS} redirects, got more")


def _redirected(address: Address, head: Head) -> Address:
    location = head.headers.get("location", "").strip()
    if not location:
        raise SourceUnavailable(
            f"{address.shown}: expected a redirect to say where to, got {head.status} without Location"
        )
    try:
        onward = address.join(location)
    except ValueError as error:
        raise SourceUnavailable(f"{address.shown}: expected a redirect to an http or https URL, {error}") from None
    if address.scheme == "https" and onward.scheme == "http":
        raise SourceUnavailable(f"{address.shown}: refused a redirect from https to http, {onward.shown}")
    return onward


def _with_login(target: Target) -> Headers:
    given = {name.lower() for name, _ in target.headers}
    if not target.address.userinfo or b"authorization" in given:
        return target.headers
    login = target.address.userinfo if ":" in target.address.userinfo else f"{target.address.userinfo}:"
    return (*target.headers, (b"Authorization", b"Basic " + b64encode(login.encode())))


def _syntax(head: Head, address: Address) -> Syntax:
    media_type = head.headers.get("content-type", "").partition(";")[0].strip().lower()
    for syntax in SYNTAXES:
        if media_type.endswith(("/" + syntax, "-" + syntax, "+" + syntax)):
            return syntax
    # A file server may call what it does not know text or a stream of octets: then the name in the URL says.
    return named_syntax(address.target.partition("?")[0]) or "json"


def _check_status(
    head: Head, address: Address, target: Target, *, denied: tuple[int, ...], stream: bool = False
) -> None:
    if head.status == 200:
        return
    said = f"{address.shown}: expected 200, got {head.status}"
    if head.status in denied:
        if address.origin != target.address.origin:
            said += f"; after a redirect from {target.address.shown}, whose headers were not passed on: use the new URL"
        raise SourceDenied(said, status=head.status)
    passing = head.status in (408, 425, 429) or (head.status >= 500 and head.status not in (501, 505))
    if stream and not passing:
        raise StreamRefused(said)
    raise SourceUnavailable(said, retry_after=parse_retry_after(head.headers.get("retry-after"), time.time()))


def _encoded(value: str | None, encoding: str) -> bytes:
    # An id or an etag that no header can hold is left out: the whole document comes instead, and nothing breaks.
    try:
        encoded = (value or "").encode(encoding)
    except UnicodeEncodeError:
        return b""
    return encoded if is_sendable(encoded) else b""
