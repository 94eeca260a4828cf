"""
A moment in time, as documents write it: an ISO 8601 date, or a date and a time.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone

__all__ = ["instant"]

_WRITTEN = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2})(:\d{2})?(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})?)?", re.ASCII
)


def instant(text: object) -> float | None:
    """
    The seconds since the epoch that `text` says; None where it says none.

    Args:
        text: `2027-03-01`, which is its midnight, or `2027-03-01T09:00`, with seconds, up to six decimals, and `Z` or
            an offset such as `+01:00`. Without an offset it is UTC, so that every process agrees.

    Source: RFC 3339, section 5.6, with the seconds and the offset left optional; ISO 8601 dates.
    """
    found = _WRITTEN.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    day, minute, second, fraction, offset = found.groups()
    digits = f".{fraction[1:]:0<6}" if fraction else ""
    zone = "+00:00" if offset is None or offset in "Zz" else offset
    try:
        moment = datetime.fromisoformat(f"{day}T{minute or '00:00'}{second or ':00'}{digits}{zone}")
        return moment.astimezone(timezone.utc).timestamp()
    except (ValueError, OverflowError):  # a month of 13, an hour of 25; a moment before the year 1
        return None
