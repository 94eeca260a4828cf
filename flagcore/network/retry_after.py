"""
The Retry-After header, in the three forms it is met in. Pure.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

__all__ = ["parse_retry_after"]

_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")

_FRACTION = re.compile(r"\.[0-9]+")


def parse_retry_after(value: str | None, now: float) -> float | None:
    """
    Seconds to wait from `now`: 0 when the time is past, None when the header says nothing that can be read.

    Takes seconds and HTTP dates, as the standard has them, and ISO 8601, which OFREP's examples use.

    Args:
        value: the header, or None for none.
        now: seconds since the epoch.

    Source: RFC 9110 §10.2.3.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    moment = _http_date(text) or _iso_date(text)
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, moment.timestamp() - now)


def _http_date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None


def _iso_date(text: str) -> datetime | None:
    # Python 3.10 knows neither "Z" nor fractions of other than three or six digits.
    fraction = _FRACTION.search(text)
    text = _FRACTION.sub("", text[:-1] + "+00:00" if text.endswith(("Z", "z")) else text)
    try:
        return datetime.fromisoformat(text) + timedelta(seconds=float(fraction[0]) if fraction else 0.0)
    except (ValueError, OverflowError):
        return None
