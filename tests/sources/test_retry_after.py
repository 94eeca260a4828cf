"""
Retry-After in its three forms.
"""

from __future__ import annotations

from email.utils import formatdate

import pytest

from flagcore.network.retry_after import parse_retry_after

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("1.5", 1.5),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        ("2027-01-15T08:01:00Z", 60.0),
        ("2027-01-15T08:01:00.25Z", 60.25),
        ("2027-01-15T09:01:00+01:00", 60.0),
        ("2027-01-15T08:01:00", 60.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("nan", None),
        ("inf", None),
        ("1e9", None),
        ("9" * 400, None),
        ("Fri, 99 Foo 2027 99:99:99 GMT", None),
        ("2027-13-45T00:00:00Z", None),
        ("\u0665", None),
    ],
)
def test_reads_seconds_http_dates_and_iso_dates(value, seconds):
    """What can be read is, what is past is zero, and what is none is None."""
    assert parse_retry_after(value, NOW) == seconds
