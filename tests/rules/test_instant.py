import pytest

from flagcore.rules.instant import instant


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01", 0),
        ("1970-01-02T00:00", 86_400),
        ("1970-01-01T00:00:01Z", 1),
        ("1970-01-01 00:00:01.5z", 1.5),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T23:59:59.250-00:30", 1799.25),
        ("2027-03-01T09:00:00", 1_803_891_600),
    ],
)
def test_reads_dates_and_times(text: str, seconds: float) -> None:
    """A date is its midnight; what has no offset is UTC."""
    assert instant(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2027-02-30",
        "2027-13-01",
        "20270301",
        "2027-W01-1",
        "2027-03-01T25:00",
        "2027-03-01T",
        "٢٠٢٧-03-01",
        "2027-03-01T09:00:00+25:00",
        "0001-01-01T00:00+14:00",
        "2027-03-01T09:00:00.1234567",
        5,
        None,
    ],
)
def test_what_is_no_moment_is_none(text: object) -> None:
    """The same on every Python, whose own parsers differ."""
    assert instant(text) is None
