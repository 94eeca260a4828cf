"""
Flags that an OFREP server has evaluated: OpenFeature's remote evaluation protocol, as a source of documents.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import msgspec

from flagcore.context import EvaluationContext
from flagcore.errors import ConfigError, MalformedDocument
from flagcore.network.address import Address
from flagcore.network.exchange import Headers
from flagcore.network.remote import NetworkSource, Verify, check_headers, check_seconds
from flagcore.sources.http import under
from flagcore.value import checked

__all__ = ["OFREPSource"]

#: What all OFREP clients are configured by where code says nothing.
_ENDPOINT, _HEADERS, _TIMEOUT = "OFREP_ENDPOINT", "OFREP_HEADERS", "OFREP_TIMEOUT_MS"

#: Digits that a timeout in milliseconds may have: eleven days.
_TIMEOUT_DIGITS = 9

#: The protocol's own default, in seconds.
_TIMEOUT_SECONDS = 10.0


class OFREPSource(NetworkSource):
    """
    All flags of an OFREP server, evaluated for ONE context: the one given here, not that of the request that reads.

    For what is the same for everybody in this process: flags by region, plan or release. The server holds the rules,
    and sends answers only; for answers by user, read the server's rules by a source that has them, or ask by the
    server's own OpenFeature provider through `flagcore.openfeature.OpenFeatureSource`.

    Fetched by POST, with ETags; 429 and its Retry-After (seconds, an HTTP date, ISO 8601) are waited for; 401 and 403
    end it. A redirect is followed within the same origin only, since the context may say who somebody is.

    Args:
        url: where the server is, without `/ofrep/v1`; the environment's `OFREP_ENDPOINT` unless given.
        context: who is asking: a context, or a mapping with `targeting_key` (or `targetingKey`) beside the attributes.
        headers: as for `HTTPSource`, such as `{"Authorization": "Bearer …"}` or `{"X-API-Key": "…"}`; those of
            `OFREP_HEADERS` unless given, which is `name=value,name=value`, percent-decoded before it is split.
        poll_seconds: seconds between two fetches, 0 or more; 0 fetches once.
        timeout_seconds: as for `HTTPSource`; `OFREP_TIMEOUT_MS`, in milliseconds, unless given, else 10.
        verify: as for `HTTPSource`.
        proxy: as for `HTTPSource`.

    Raises:
        ConfigError: an option, or what stands in the environment for it, can't be right.

    Source: OpenFeature Remote Evaluation Protocol 0.3.0, bulk evaluation; its decision record on configuration by
    environment variables.
    """

    def __init__(
        self,
        url: str | None = None,
        context: Mapping[str, Any] | EvaluationContext | None = None,
        headers: Mapping[str, str] | None = None,
        poll_seconds: float = 30.0,
        timeout_seconds: float | None = None,
        verify: Verify = True,
        proxy: str | None = None,
    ) -> None:
        super().__init__(
            poll=_endpoint(url),
            stream=None,
            format="ofrep",
            headers=check_headers(headers) if headers is not None else _headers(os.environ.get(_HEADERS, "")),
            poll_seconds=check_seconds("poll_seconds", poll_seconds),
            timeout_seconds=timeout_seconds if timeout_seconds is not None else _timeout(os.environ.get(_TIMEOUT)),
            verify=verify,
            proxy=proxy,
            body=_body(context),
        )


def _endpoint(url: str | None) -> Address:
    found = url if url is not None else os.environ.get(_ENDPOINT)
    if found is None:
        raise ConfigError(f"url: expected the address of an OFREP server, here or as {_ENDPOINT}; got neither")
    return under(found, "/ofrep/v1/evaluate/flags", "url" if url is not None else _ENDPOINT)


def _headers(text: str) -> Headers:
    pairs = (pair.partition("=") for pair in unquote(text).split(",") if pair.strip())
    try:
        return check_headers({name.strip(): value.strip() for name, _, value in pairs})
    except ConfigError:
        # Where pairs are written otherwise, a name may be a secret.
        raise ConfigError(f"{_HEADERS}: expected name=value,name=value; got something else") from None


def _timeout(text: str | None) -> float:
    if text is None:
        return _TIMEOUT_SECONDS
    if not text.isdecimal() or len(text) > _TIMEOUT_DIGITS or not int(text):
        raise ConfigError(f"{_TIMEOUT}: expected whole milliseconds above 0, got {text!r}")
    return int(text) / 1000


def _body(context: Mapping[str, Any] | EvaluationContext | None) -> bytes:
    who = EvaluationContext.of(context)
    try:
        attributes: Any = checked(who.attributes)
    except MalformedDocument as error:
        raise ConfigError(f"context: {error}") from error
    if who.targeting_key is not None:
        attributes = {"targetingKey": who.targeting_key, **attributes}
    return msgspec.json.encode({"context": attributes})
