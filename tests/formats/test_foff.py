from typing import Any

import pytest

from flagcore import ErrorCode, FlagClient, MemorySource, Reason
from flagcore.errors import MalformedDocument

DOCUMENT = {
    "ordered_hierarchy": ["org", "team", "user"],
    "features": {
        "dark-mode": {"default": False, "o1": True, "o1#t1": False, "o1#t1#u1": True},
        "limits": {"default": {"max": 1}},
        "no-default": {"o1": 5},
        "deep-only": {"default": "d", "o1#t1#u1": "deep"},
    },
}


@pytest.fixture
def client() -> FlagClient:
    return FlagClient(MemorySource(DOCUMENT, format="foff"))


@pytest.mark.parametrize(
    ("feature", "path", "expected"),
    [
        ("dark-mode", ["o1", "t1", "u1"], True),
        ("dark-mode", ["o1", "t1", "u2"], False),
        ("dark-mode", ["o1", "t2", "u1"], True),
        ("dark-mode", ["o2", "t1", "u1"], False),
        ("deep-only", ["o1", "t1", "u1"], "deep"),
        ("deep-only", ["o1", "t1", "u2"], "d"),
        ("limits", ["o1", "t1", "u1"], {"max": 1}),
        ("no-default", ["o2", "t", "u"], None),
        ("no-default", ["o1", "t", "u"], 5),
        ("unknown", ["o1", "t1", "u1"], None),
    ],
)
def test_the_longest_prefix_wins(client: FlagClient, feature: str, path: list[str], expected: Any) -> None:
    """Most specific first, then the default, then None."""
    assert client.get_feature_config(feature, path) == expected


def test_an_id_with_the_separator_is_no_other_path(client: FlagClient) -> None:
    """The id "o1#t1" is not the path of org o1 and team t1."""
    assert client.get_feature_config("dark-mode", ["o1#t1", "u1", "x"]) is False
    assert client.get_feature_config("dark-mode", ["o1", "t1#u1", "x"]) is True


def test_features_answer_every_getter(client: FlagClient) -> None:
    """The context attributes that the hierarchy names are the path; without a default the caller's stands."""
    assert client.get_bool("dark-mode", context={"org": "o1"}) is True
    assert client.details("dark-mode", False, {"org": "o1"}).reason is Reason.TARGETING_MATCH
    assert client.details("dark-mode", False).reason is Reason.DEFAULT
    assert client.details("limits", {}).reason is Reason.STATIC
    assert client.get_int("no-default", 7) == 7
    assert client.details("no-default", 7).error_code is None
    assert "no-default" not in client.all()


def test_a_wrong_length_gives_the_features_default(client: FlagClient) -> None:
    """And details names both lengths and the hierarchy."""
    assert client.get_feature_config("dark-mode", ["o1"]) is False
    answer = client.flags().details("dark-mode", None, ordered_hierarchy=["o1"])
    assert answer.error_code is ErrorCode.INVALID_CONTEXT
    assert "3 ids" in (answer.error_message or "")


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({"features": []}, "$.features"),
        ({"ordered_hierarchy": []}, "$.features"),
        ({"features": None}, "$.features"),
        ({"features": {"a": 1}}, "$.features.a"),
        ({"features": {}, "ordered_hierarchy": "org"}, "$.ordered_hierarchy"),
        ({"features": {}, "ordered_hierarchy": [1]}, "$.ordered_hierarchy"),
    ],
)
def test_says_where_a_document_is_wrong(document: Any, where: str) -> None:
    """The error holds the JSON path of the fault."""
    with pytest.raises(MalformedDocument) as caught:
        MemorySource(document, format="foff")
    assert caught.value.where == where
