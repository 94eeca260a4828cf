"""
The event stream decoder: tables, every way to cut them, and the public conformance file.
"""

from __future__ import annotations

import json
import random
import time
import tracemalloc
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flagcore.feed.sse import EventStream, EventTooLarge, ServerSentEvent

CONFORMANCE = Path(__file__).parents[2].parent / "shared" / "conformance" / "sse" / "wpt.json"


def message(data: str, last_id: str = "", kind: str = "message") -> ServerSentEvent:
    return ServerSentEvent(kind, data, last_id)


def decode(*chunks: bytes) -> list[ServerSentEvent]:
    stream = EventStream()
    return [event for chunk in chunks for event in stream.receive(chunk)]


TABLE = [
    pytest.param(b"", [], id="nothing"),
    pytest.param(b"data: a\n\n", [message("a")], id="one"),
    pytest.param(b"data:a\r\n\r\ndata:b\r\rdata:c\n\n", [message("a"), message("b"), message("c")], id="line-ends"),
    pytest.param(b"data: a\ndata: b\n\n", [message("a\nb")], id="two-lines"),
    pytest.param(b"data:  a\n\n", [message(" a")], id="one-space-dropped"),
    pytest.param(b"data\n\n", [message("")], id="no-colon"),
    pytest.param(b"data:\ndata\n\n", [message("\n")], id="two-empty-lines"),
    pytest.param(b"data: a", [], id="unfinished-line"),
    pytest.param(b"data: a\n", [], id="unfinished-event"),
    pytest.param(b": hello\n\n:\n\ndata: a\n\n", [message("a")], id="comments"),
    pytest.param(b"event: x\n\ndata: a\n\n", [message("a")], id="event-without-data-is-forgotten"),
    pytest.param(b"event: x\ndata: a\n\ndata: b\n\n", [message("a", kind="x"), message("b")], id="type-resets"),
    pytest.param(b"event:\ndata: a\n\n", [message("a")], id="empty-type"),
    pytest.param(b"id: 1\ndata: a\n\ndata: b\n\n", [message("a", "1"), message("b", "1")], id="id-persists"),
    pytest.param(b"id: 1\ndata: a\n\nid\ndata: b\n\n", [message("a", "1"), message("b")], id="empty-id-clears"),
    pytest.param(b"id: 1\n\nid: \x002\ndata: a\n\n", [message("a", "1")], id="nul-in-id"),
    pytest.param(b"Data: a\n data: b\ndata\x00: c\nx: d\n\n", [], id="unknown-fields"),
    pytest.param(b"\xef\xbb\xbfdata: a\n\n", [message("a")], id="mark"),
    pytest.param(b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", [message("b")], id="two-marks"),
    pytest.param(
        b"data: \xe2\x80\xa8\xc2\x85\x0b\x0c\x1c\n\n", [message("\u2028\x85\x0b\x0c\x1c")], id="no-other-ends"
    ),
    pytest.param(b"data: \xe2\x82\xff\n\n", [message("\ufffd\ufffd")], id="bad-utf-8"),
    pytest.param("data: é😀\n\n".encode(), [message("é😀")], id="utf-8"),
    pytest.param(b"\n\r\n\r\n\rdata: a\n\n", [message("a")], id="empty-lines"),
]


@pytest.mark.parametrize(("text", "events"), TABLE)
def test_decodes(text, events):
    """The table holds for a stream that comes in one piece."""
    assert decode(text) == events


@pytest.mark.parametrize(("text", "events"), TABLE)
def test_decodes_in_any_two_pieces_and_byte_by_byte(text, events):
    """The table holds wherever the stream is cut in two, and when each byte comes alone."""
    for cut in range(len(text) + 1):
        assert decode(text[:cut], text[cut:]) == events
    assert decode(*(text[at : at + 1] for at in range(len(text)))) == events


LINES = st.sampled_from(
    [b"data: a", b"data", b"data:b", b"event: e", b"id: 7", b"id", b"id: \0", b":c", b"", b"", b"",
     "data: é\u2028".encode(),
     b"retry: 5", b"\xef\xbb\xbf", b"\xff\xe2\x82", b" data: n"]
)  # fmt: skip
ENDS = st.sampled_from([b"\n", b"\r", b"\r\n", b""])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(LINES, ENDS)), st.lists(st.integers(0, 200)))
def test_any_chunking_gives_the_same_events(lines, cuts):
    """Where the chunks begin and end does not matter, for whatever stream."""
    text = b"".join(line + end for line, end in lines)
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[start:end] for start, end in pairwise(places)]
    whole, cut = EventStream(), EventStream()
    assert [event for piece in pieces for event in cut.receive(piece)] == whole.receive(text)
    assert (cut.last_event_id, cut.retry_ms) == (whole.last_event_id, whole.retry_ms)


def test_a_cr_dispatches_at_once():
    """An event whose last line ends in CR does not wait for the byte after it."""
    stream = EventStream()
    assert stream.receive(b"data: a\r\r") == [message("a")]
    assert stream.receive(b"\n") == []
    assert stream.receive(b"data: b\n\r") == [message("b")]
    assert stream.receive(b"") == []
    assert stream.receive(b"\ndata: c\n\n") == [message("c")]


@pytest.mark.parametrize(
    ("value", "expected"),
    [("3000", 3000), ("03000", 3000), ("0", 0), ("000", 0), ("", None), ("+5", None), ("-5", None), ("1_000", None),
     (" 5", None), ("5 ", None), ("\u0665", None), ("1.5", None), ("9" * 6000, 10**12)],
)  # fmt: skip
def test_retry_takes_ascii_digits_only(value, expected):
    """A retry field is a plain decimal number, or it is not there."""
    stream = EventStream()
    assert stream.retry_ms is None
    stream.receive(f"retry: {value}\n".encode())
    assert stream.retry_ms == expected


def test_the_id_of_an_unfinished_event_does_not_count():
    """The last event id changes at the empty line, with or without data."""
    stream = EventStream(last_event_id="0")
    assert stream.last_event_id == "0"
    stream.receive(b"id: 1\n")
    assert stream.last_event_id == "0"
    stream.receive(b"\n")
    assert stream.last_event_id == "1"


def test_the_id_outlives_a_reconnect():
    """An event without an id carries the one of the connection before."""
    assert EventStream(last_event_id="7").receive(b"data: a\n\n") == [message("a", "7")]


@pytest.mark.parametrize(
    "text",
    [b"data: " + b"x" * 100, b"data: " + b"x" * 100 + b"\n\n", b"data: xxxxxxxx\n" * 10, b":" + b"x" * 100, b"x" * 101,
     b"event: " + b"x" * 60 + b"\ndata: " + b"x" * 60, b"data\n" * 101],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_line_or_an_event_over_the_cap_is_refused(text, size):
    """One cap holds for a line and for an event, whether or not either ever ends."""
    stream = EventStream(max_event_bytes=100 if b"xxxxxxxx\n" not in text else 80)
    with pytest.raises(EventTooLarge, match="at most"):
        for at in range(0, len(text), size):
            stream.receive(text[at : at + size])
    assert stream.pending_bytes == 0
    with pytest.raises(EventTooLarge):
        stream.receive(b"data: a\n\n")


def test_what_fits_the_cap_passes_again_and_again():
    """The cap is on one event, not on the stream; heartbeats do not add up."""
    stream = EventStream(max_event_bytes=20)
    for _ in range(50):
        assert stream.receive(b": still here\ndata: 0123456789\n\n") == [message("0123456789")]


def test_a_line_without_end_takes_linear_time_and_bounded_memory():
    """A line that comes in small pieces is never scanned twice, and never held beyond the cap."""
    stream, piece, cap = EventStream(), b"x" * 64, 5 * 1024 * 1024
    tracemalloc.start()
    try:
        began = time.perf_counter()
        with pytest.raises(EventTooLarge):
            for _ in range(cap):
                stream.receive(piece)
        seconds = time.perf_counter() - began
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * cap
    assert seconds < 10, "quadratic: 80,000 pieces take well under a second"


def cases():
    if not CONFORMANCE.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason="the SSE conformance file is not beside the project"))]
    return [
        pytest.param(case, id=f"{case['name']}-{at}") for at, case in enumerate(json.loads(CONFORMANCE.read_text()))
    ]


@pytest.mark.parametrize("case", cases())
def test_conforms(case):
    """The public suite's cases hold as given, in every split in two, byte by byte, and in 1,000 random chunkings."""
    chunks = [bytes.fromhex(chunk) for chunk in case["chunks"]]
    expected = [message(event["data"], event["id"], event["type"]) for event in case["events"]]
    text = b"".join(chunks)
    assert decode(*chunks) == expected
    for cut in range(len(text) + 1):
        assert decode(text[:cut], text[cut:]) == expected
    assert decode(*(text[at : at + 1] for at in range(len(text)))) == expected
    rng = random.Random(case["name"])
    for _ in range(1000):
        cuts = sorted(rng.sample(range(len(text) + 1), min(len(text), rng.randint(0, 8))))
        assert decode(*(text[a:b] for a, b in pairwise([0, *cuts, len(text)]))) == expected
