"""
The boundary: what httpcore and the system raise becomes `SourceUnavailable` here, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpcore

from flagcore.errors import SourceUnavailable

__all__ = ["BROKEN_OFF", "CLOSING_FAULTS", "translated"]

#: What closing a connection may raise. Nobody is helped by hearing that what is being closed was broken already.
CLOSING_FAULTS = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError)


#: What a kept connection raises that the other side had given up when it was used again. Source: RFC 9112 §9.3.1.
BROKEN_OFF = (httpcore.ReadError, httpcore.WriteError, httpcore.RemoteProtocolError)


@contextmanager
def translated(shown: str) -> Iterator[None]:
    """
    Raise `SourceUnavailable` for whatever a network can do.

    Args:
        shown: the address, without secrets.
    """
    try:
        yield
    except httpcore.LocalProtocolError:
        # h11's message quotes the header it refused, which may be the key: it goes no further.
        raise SourceUnavailable(f"{shown}: the request can't be sent: a header has an impossible value") from None
    except (httpcore.TimeoutException, TimeoutError) as error:
        raise SourceUnavailable(f"{shown}: no answer in time{_said(error)}") from error
    except (
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.ProxyError,
        httpcore.UnsupportedProtocol,
        httpcore.ConnectionNotAvailable,
        OSError,
    ) as error:
        raise SourceUnavailable(f"{shown}: the connection failed{_said(error)}") from error


def _said(error: BaseException) -> str:
    return f": {error}" if str(error) else ""
