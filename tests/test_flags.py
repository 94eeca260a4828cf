from datetime import date
from typing import Any

import pytest

from flagcore import ErrorCode, EvaluationContext, Flag, FlagClient, Flags, MemorySource, Reason, get_flags
from flagcore.errors import ConfigError

DOCUMENT = {
    "hierarchy": ["org", "team", "user"],
    "flags": {
        "on": {"value": True},
        "off": {"value": False},
        "count": {"value": 3},
        "whole": {"value": 4.0},
        "ratio": {"value": 0.5},
        "name": {"value": "light"},
        "limits": {"value": {"max": 5, "steps": [1, 2]}},
        "list": {"value": [1, {"a": 2}]},
        "nothing": {"value": None},
        "theme": {
            "value": "light",
            "overrides": [
                {"org": "acme", "value": "dark"},
                {"org": "acme", "team": "growth", "value": "midnight"},
                {"org": 7, "value": "seven"},
            ],
        },
        "plan": {"value": "s", "variants": {"s": {"max": 5}, "l": {"max": 50}}, "metadata": {"ticket": "A-1"}},
    },
}


@pytest.fixture
def client() -> FlagClient:
    return FlagClient(MemorySource(DOCUMENT))


@pytest.fixture
def flags(client: FlagClient) -> Flags:
    return client.flags()


@pytest.mark.parametrize("reader", ["client", "view"])
def test_each_getter_gives_its_type(client: FlagClient, reader: str) -> None:
    """The client and its views read alike, each getter by the same table of types."""
    read: Any = client if reader == "client" else client.flags()
    assert read.get_bool("on") is True
    assert read.is_enabled("on") is True
    assert read.get_bool("count", True) is True
    assert read.get_int("count") == 3
    assert read.get_int("whole") == 4
    assert type(read.get_int("whole")) is int
    assert read.get_int("ratio", 9) == 9
    assert read.get_int("on", 9) == 9
    assert read.get_float("count") == 3.0
    assert type(read.get_float("count")) is float
    assert read.get_float("on", 0.1) == 0.1
    assert read.get_number("count") == 3
    assert read.get_number("ratio") == 0.5
    assert read.get_number("on", 7) == 7
    assert read.get_string("name") == "light"
    assert read.get_string("count", "x") == "x"
    assert read.get_json("limits") == {"max": 5, "steps": [1, 2]}
    assert read.get_json("limits", []) == []
    assert read.get_json("list", {}) == {}
    assert read.get_json("nothing", "x") == "x"
    assert read.get_json("nothing") is None
    assert read.get(Flag("count", 0)) == 3
    assert read.get(Flag("count", "x")) == "x"


@pytest.mark.parametrize("key", ["unknown", "", 5, None, ["a"], {}, object()])
def test_no_key_makes_a_read_raise(client: FlagClient, key: Any) -> None:
    """Whatever is asked for, each read gives its default, and details says why."""
    for read in (client, client.flags()):
        assert read.get_bool(key, True) is True
        assert read.get_int(key, 1) == 1
        assert read.get_float(key, 1.0) == 1.0
        assert read.get_number(key, 1) == 1
        assert read.get_string(key, "d") == "d"
        assert read.get_json(key, {"d": 1}) == {"d": 1}
        assert read.details(key, "d").value == "d"
        assert read.details(key, "d").error_code in (ErrorCode.FLAG_NOT_FOUND, ErrorCode.GENERAL)


@pytest.mark.parametrize("context", [4, "u", {"targeting_key": 4}, [1]])
def test_a_context_that_is_none_does_not_make_a_read_raise(client: FlagClient, context: Any) -> None:
    """A read by the client with a bad context gives the default with INVALID_CONTEXT."""
    assert client.get_bool("on", False, context) is False
    assert client.details("on", False, context).error_code is ErrorCode.INVALID_CONTEXT
    with pytest.raises(ConfigError):
        client.flags(context)


def test_json_is_a_fresh_copy_each_time(flags: Flags) -> None:
    """What one caller does to an object the next one does not see."""
    flags.get_json("limits")["steps"].append(3)
    flags.details("limits", None).value.clear()
    flags.all()["limits"].clear()
    assert flags.get_json("limits") == {"max": 5, "steps": [1, 2]}


def test_a_declared_default_is_not_shared(flags: Flags) -> None:
    """Changing the default that a read gave changes no later read's."""
    flag = Flag("unknown", {"max": 1})
    flags.get(flag)["max"] = 2
    assert flags.get(flag) == {"max": 1}


def test_details_say_why(flags: Flags) -> None:
    """The reasons and codes are OpenFeature's."""
    assert flags.details("on", False).reason is Reason.STATIC
    assert flags.details("on", False).error_code is None
    assert flags.details("theme", "").reason is Reason.DEFAULT
    mismatch = flags.details("on", "x")
    assert (mismatch.value, mismatch.reason, mismatch.error_code) == ("x", Reason.ERROR, ErrorCode.TYPE_MISMATCH)
    assert "expected a string, got a boolean" in (mismatch.error_message or "")
    fraction = FlagClient(MemorySource({"flags": {"f": {"value": 3.5}}}), cache_dir=None).details("f", 0)
    assert "expected a whole number, got one with a fraction" in (fraction.error_message or "")
    missing = flags.details("unknown", 3)
    assert (missing.value, missing.error_code, missing.flag_key) == (3, ErrorCode.FLAG_NOT_FOUND, "unknown")
    plan = flags.details("plan", {})
    assert (plan.variant, plan.value, dict(plan.metadata)) == ("s", {"max": 5}, {"ticket": "A-1"})


@pytest.mark.parametrize(
    ("context", "expected", "reason"),
    [
        ({}, "light", Reason.DEFAULT),
        ({"org": "acme"}, "dark", Reason.TARGETING_MATCH),
        ({"org": "acme", "team": "growth"}, "midnight", Reason.TARGETING_MATCH),
        ({"org": "acme", "team": "growth", "user": "u"}, "midnight", Reason.TARGETING_MATCH),
        ({"org": "acme", "team": "other"}, "dark", Reason.TARGETING_MATCH),
        ({"team": "growth"}, "light", Reason.DEFAULT),
        ({"org": 7}, "seven", Reason.TARGETING_MATCH),
        ({"org": True}, "light", Reason.DEFAULT),
        ({"org": ["acme"]}, "light", Reason.DEFAULT),
        ({"org": None}, "light", Reason.DEFAULT),
    ],
)
def test_the_most_specific_override_wins(
    client: FlagClient, context: dict[str, Any], expected: str, reason: Reason
) -> None:
    """The attributes that the hierarchy names are the path, and the first one missing ends it."""
    answer = client.details("theme", "", context)
    assert (answer.value, answer.reason) == (expected, reason)
    assert client.flags(context).get_string("theme") == expected


def test_a_feature_config_goes_by_the_path_given(flags: Flags) -> None:
    """The most specific override, else the feature's default, else None."""
    assert flags.get_feature_config("theme", ["acme", "growth", "u"]) == "midnight"
    assert flags.get_feature_config("theme", ["acme", "x", "u"]) == "dark"
    assert flags.get_feature_config("theme", ["x", "growth", "u"]) == "light"
    assert flags.get_feature_config("unknown", ["a", "b", "c"]) is None
    flags.get_feature_config("limits", ["a", "b", "c"])["max"] = 1
    assert flags.get_feature_config("limits", ["a", "b", "c"]) == {"max": 5, "steps": [1, 2]}


def test_a_feature_with_rules_asks_them_for_who_is_asking_along_the_path() -> None:
    """Overrides first; the rules see the ids as the attributes they stand for, beside the view's own."""
    document = {
        "hierarchy": ["org", "team"],
        "flags": {
            "theme": {
                "value": "light",
                "overrides": [{"org": "acme", "value": "dark"}],
                "rules": [
                    {"if": 'org == "globex" and team == "x"', "value": "blue"},
                    {"if": 'plan == "pro"', "value": "gold"},
                ],
            }
        },
    }
    client = FlagClient(MemorySource(document), cache_dir=None)
    pro = client.flags({"plan": "pro", "org": "initech"})
    for path, anybody, mine in (
        (["acme", "x"], "dark", "dark"),
        (["globex", "x"], "blue", "blue"),
        (["globex", "y"], "light", "gold"),
        (["globex"], "light", "light"),
    ):
        assert client.get_feature_config("theme", path) == client.flags().get_feature_config("theme", path) == anybody
        assert pro.get_feature_config("theme", path) == mine
    assert pro.details("theme", "", ordered_hierarchy=["globex", "x"]).reason is Reason.TARGETING_MATCH
    assert pro.details("theme", "", ordered_hierarchy=["globex"]).error_code is ErrorCode.INVALID_CONTEXT


def test_a_path_of_the_wrong_length_gives_the_default_and_says_so(flags: Flags) -> None:
    """A read never raises; details names both lengths and the hierarchy."""
    assert flags.get_feature_config("theme", ["acme"]) == "light"
    answer = flags.details("theme", None, ordered_hierarchy=["acme"])
    assert answer.error_code is ErrorCode.INVALID_CONTEXT
    assert answer.error_message == "expected 3 ids, one for each of org, team, user; got 1"


@pytest.mark.parametrize(("key", "path"), [(["theme"], ["acme"]), ("theme", 5), ("theme", None)])
def test_a_feature_that_can_not_be_looked_up_is_none(client: FlagClient, key: Any, path: Any) -> None:
    """A key or a path of the wrong type raises nothing, by a view or by the client; `details` says what was wrong."""
    client.start()
    assert client.flags().get_feature_config(key, path) is None
    assert client.get_feature_config(key, path) is None
    if path is not None:
        answer = client.flags().details(key, "x", ordered_hierarchy=path)
        assert (answer.value, answer.error_code) == ("x", ErrorCode.GENERAL)


def test_a_view_remembers_its_answers(client: FlagClient) -> None:
    """The same question gets the same answer all through a view's life; a fresh view sees the news."""
    source = MemorySource({"flags": {"a": {"value": 1}}})
    client = FlagClient(source)
    view = client.flags({"targeting_key": "u"})
    assert view.get_int("a") == 1
    source.update({"flags": {"a": {"value": 2}, "b": {"value": 3}}})
    assert view.get_int("a") == 1
    assert view.get_int("b") == 0
    assert view.with_context({"x": 1}).get_int("b") == 0
    assert view.fresh().get_int("a") == 2
    assert view.fresh().context == view.context
    assert client.get_int("b") == 3


def test_with_context_lays_over_the_context(client: FlagClient) -> None:
    """A richer context answers anew from the same state."""
    view = client.flags({"targeting_key": "u", "org": "x"})
    richer = view.with_context({"org": "acme"})
    assert view.get_string("theme") == "light"
    assert richer.get_string("theme") == "dark"
    assert richer.context == EvaluationContext("u", {"org": "acme"})
    assert richer.snapshot is view.snapshot


def test_all_gives_every_flag(flags: Flags) -> None:
    """The whole state for one context."""
    found = flags.all()
    assert found.keys() == DOCUMENT["flags"].keys()  # type: ignore[attr-defined]
    assert found["plan"] == {"max": 5}


def test_outside_of_any_binding_there_is_an_empty_view() -> None:
    """Code that is run by nobody reads defaults."""
    assert get_flags().get_bool("on", True) is True
    assert get_flags().details("on", False).error_code is ErrorCode.PROVIDER_NOT_READY


def test_bound_binds_one_view(client: FlagClient) -> None:
    """A job binds a view, and code without a request at hand finds it."""
    with client.bound({"org": "acme"}) as view:
        assert get_flags() is view
        with client.bound():
            assert get_flags().get_string("theme") == "light"
        assert get_flags().get_string("theme") == "dark"
    assert get_flags() is not view


def test_the_context_is_built_by_the_first_read(client: FlagClient) -> None:
    """A view that nobody reads costs no context."""
    built = []

    def context() -> EvaluationContext:
        built.append(1)
        return EvaluationContext("u")

    view = client.view(context)
    assert built == []
    view.get_bool("on")
    view.get_string("theme")
    assert built == [1]


@pytest.mark.parametrize(
    "arguments",
    [("", False), (None, False), ("a", object()), ("a", (1,))],
)
def test_a_flag_refuses_what_cannot_be_right(arguments: tuple[Any, Any]) -> None:
    """A slip in a declaration shows where it is made."""
    with pytest.raises(ConfigError, match=r"expected .* got"):
        Flag(*arguments)


def test_a_flag_knows_its_end() -> None:
    """The expiry is a date, given as one or as text."""
    assert Flag("a", 1, expires="2027-03-01").expires == date(2027, 3, 1)
    assert Flag[int]("a", 1, expires=date(2027, 3, 1), owner="x") == Flag("a", 1, owner="x", expires="2027-03-01")
    with pytest.raises(ConfigError, match="expires"):
        Flag("a", 1, expires="soon")


def test_reprs_say_what_it_is(client: FlagClient) -> None:
    """A view and a client can be told in a debugger."""
    assert "11 flags" in repr(client.flags())
    assert repr(client) == "FlagClient(memory; READY)"
