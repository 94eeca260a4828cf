"""
Flags that an OFREP server has evaluated: OpenFeature's remote evaluation protocol, as a source of documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from flagcore.context import EvaluationContext
from flagcore.errors import ConfigError, MalformedDocument
from flagcore.network.remote import NetworkSource, Verify, check_headers, check_seconds
from flagcore.sources.http import under
from flagcore.value import checked

__all__ = ["OFREPSource"]


class OFREPSource(NetworkSource):
    """
    All flags of an OFREP server, evaluated for ONE context: the one given here, not that of the request that reads.

    For what is the same for everybody in this process: flags by region, plan or release. The server holds the rules,
    and sends answers only; for answers by user, read the server's rules by a source that has them, or ask by the
    server's own OpenFeature provider through `flagcore.openfeature.OpenFeatureSource`.

    Fetched by POST, with ETags; 429 and its Retry-After (seconds, an HTTP date, ISO 8601) are waited for; 401 and 403
    end it. A redirect is followed within the same origin only, since the context may say who somebody is.

    Args:
        url: where the server is, without `/ofrep/v1`.
        context: who is asking: a context, or a mapping with `targeting_key` (or `targetingKey`) beside the attributes.
        headers: as for `HTTPSource`, such as `{"Authorization": "Bearer …"}` or `{"X-API-Key": "…"}`.
        poll_seconds: seconds between two fetches, 0 or more; 0 fetches once.
        timeout_seconds: as for `HTTPSource`.
        verify: as for `HTTPSource`.
        proxy: as for `HTTPSource`.

    Raises:
        ConfigError: an option can't be right.

    Source: OpenFeature Remote Evaluation Protocol 0.3.0, bulk evaluation.
    """

    def __init__(
        self,
        url: str,
        context: Mapping[str, Any] | EvaluationContext | None = None,
        headers: Mapping[str, str] | None = None,
        poll_seconds: float = 30.0,
        timeout_seconds: float = 10.0,
        verify: Verify = True,
        proxy: str | None = None,
    ) -> None:
        super().__init__(
            poll=under(url, "/ofrep/v1/evaluate/flags", "url"),
            stream=None,
            format="ofrep",
            headers=check_headers(headers),
            poll_seconds=check_seconds("poll_seconds", poll_seconds),
            timeout_seconds=timeout_seconds,
            verify=verify,
            proxy=proxy,
            body=_body(context),
        )


def _body(context: Mapping[str, Any] | EvaluationContext | None) -> bytes:
    who = EvaluationContext.of(context)
    try:
        attributes: Any = checked(who.attributes)
    except MalformedDocument as error:
        raise ConfigError(f"context: {error}") from error
    if who.targeting_key is not None:
        attributes = {"targetingKey": who.targeting_key, **attributes}
    return msgspec.json.encode({"context": attributes})
