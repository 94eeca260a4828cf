from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flagcore.errors import MalformedDocument
from flagcore.formats.condition import Known, parse_condition
from flagcore.formats.condition_leaf import MAX_PATH
from flagcore.formats.condition_text import MAX_BRACKETS, MAX_LENGTH
from flagcore.rules import operators
from flagcore.rules.model import And, Attribute, Call, Const, FlagValue, InSegment, Not, Or
from flagcore.rules.pattern import engine
from fuzz import condition as fuzzed

KNOWN = Known({"payments": None, "size": {"small": {"max": 5}, "large": 50}}, frozenset({"beta-testers"}))


def parsed(text: Any) -> Any:
    return parse_condition(text, "$.if", KNOWN)


def fault(text: Any) -> str:
    with pytest.raises(MalformedDocument) as caught:
        parsed(text)
    assert caught.value.where == "$.if"
    return caught.value.message


def equal(name: str, value: Any) -> Call:
    return Call(operators.EQUAL, (Attribute(tuple(name.split("."))), Const(value)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('plan == "free"', equal("plan", "free")),
        ("plan != 'free'", Call(operators.NOT_EQUAL, (Attribute(("plan",)), Const("free")))),
        ("age < 18", Call(operators.LESS, (Attribute(("age",)), Const(18)))),
        ("age <= 18.5", Call(operators.LESS_EQUAL, (Attribute(("age",)), Const(18.5)))),
        ("age > -1", Call(operators.GREATER, (Attribute(("age",)), Const(-1)))),
        ("age >= 1e3", Call(operators.GREATER_EQUAL, (Attribute(("age",)), Const(1000.0)))),
        ("user.plan.name == None", equal("user.plan.name", None)),
        ('c in ["NL", "BE"]', Call(operators.IN, (Attribute(("c",)), Const(["NL", "BE"])))),
        ("c not in (1, -2)", Call(operators.NOT_IN, (Attribute(("c",)), Const([1, -2])))),
        ('"x" in roles', Call(operators.IN, (Const("x"), Attribute(("roles",))))),
        ("beta", equal("beta", True)),
        ("not user.beta", Not(equal("user.beta", True))),
        ("True", Const(True)),
        ("a and b or not c", Or((And((equal("a", True), equal("b", True))), Not(equal("c", True))))),
        ("a and (b or c)", And((equal("a", True), Or((equal("b", True), equal("c", True)))))),
        ('segment("beta-testers")', InSegment("beta-testers")),
        ('flag("payments")', Call(operators.EQUAL, (FlagValue("payments"), Const(True)))),
        ('flag("payments") == "new"', Call(operators.EQUAL, (FlagValue("payments"), Const("new")))),
        ('startswith(path, "/a")', Call(operators.STARTSWITH, (Attribute(("path",)), Const("/a")))),
        ('endswith(path, "/a")', Call(operators.ENDSWITH, (Attribute(("path",)), Const("/a")))),
        ('matches(path, "^/a")', Call(operators.MATCHES, (Attribute(("path",)), Const("^/a")))),
        ('after("2027-01-01")', Call(operators.AFTER, (Const("2027-01-01"),))),
        ('before(t, "2027-01-01")', Call(operators.BEFORE, (Attribute(("t",)), Const("2027-01-01")))),
        ('contains(roles, "admin")', Call(operators.CONTAINS, (Attribute(("roles",)), Const("admin")))),
        ('semver(app, ">=2.1.0")', Call(operators.SEMVER, (Attribute(("app",)), Const(">=2.1.0")))),
        ('in_network(ip, "10.0.0.0/8")', Call(operators.IN_NETWORK, (Attribute(("ip",)), Const("10.0.0.0/8")))),
        ('in_network(ip, ["::1"])', Call(operators.IN_NETWORK, (Attribute(("ip",)), Const(["::1"])))),
    ],
)
def test_reads_the_subset(text: str, expected: Any) -> None:
    """Each form becomes the values of the rule language; a value alone asks whether it is true."""
    assert parsed(text) == expected


def test_a_chain_is_each_of_its_comparisons() -> None:
    """As in Python: the middle stands in both."""
    age = Attribute(("age",))
    expected = And((Call(operators.LESS, (Const(1), age)), Call(operators.LESS_EQUAL, (age, Const(30)))))
    assert parsed("1 < age <= 30") == expected


def test_strings_take_the_escapes_that_people_use() -> None:
    """A raw string keeps its backslashes; others are spelled out."""
    assert parsed(r'a == "\\ \" \n\té \x41"') == equal("a", '\\ " \n\té A')
    assert parsed(r'a == r"\d+"') == equal("a", r"\d+")


def test_white_space_and_line_ends_are_all_one() -> None:
    """A condition may run over several lines, without brackets around it."""
    assert parsed("  a\n\t and\u2028b\r\n") == parsed("a and b")


def test_white_space_in_a_string_is_its_own() -> None:
    """A tab or a space that does not break stays what it is."""
    assert parsed('a == "b\tc\u00a0d"') == equal("a", "b\tc\u00a0d")


def test_a_flag_with_variants_is_compared_by_their_names() -> None:
    """Since every value of such a flag is a name; one that it has not is refused."""
    assert parsed('flag("size") == "small"').arguments[1] == Const({"max": 5})
    assert parsed('flag("size") in ["small", "large"]').arguments[1] == Const([{"max": 5}, 50])
    assert parsed('"large" != flag("size")').arguments[0] == Const(50)
    assert "expected the name of a variant (small, large), got 'smal'" in fault('flag("size") == "smal"')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (5, "expected a condition as a string, got a number"),
        ("", "expected a condition, got nothing (column 1"),
        ("x" * (MAX_LENGTH + 1), f"at most {MAX_LENGTH} characters"),
        ("(" * 40 + "a" + ")" * 40, f"at most {MAX_BRACKETS} brackets"),
        ("a" + ".b" * MAX_PATH, f"at most {MAX_PATH} names"),
        ("not not not a", "something simpler"),
        ("a == --1", "something simpler"),
        ('startwith(a, "b")', "did you mean 'startswith'? (column 1 of the condition)"),
        ('segment("beta-tester")', "did you mean 'beta-testers'? (column 9"),
        ('flag("paymets")', "did you mean 'payments'? (column 6"),
        ("flag(payments)", 'a name in quotes, as in flag("payments-v2"), got an attribute'),
        ('"é" == a and bb(1)', "got 'bb' (column 14 of the condition)"),
        ("a\nand b\nand bb(1)", "got 'bb' (line 3, column 5 of it)"),
        ("a = 1", "equality is written == (column 3"),
        ("a == true", "expected True, got true (column 6"),
        ("null == a", "expected None, got null"),
        ("a && b", "write `and` (column 3"),
        ("a | b", "write `or`"),
        ("a == 1 # yes", "a comment belongs beside"),
        ('a == "b', "a string that begins here does not end (column 6"),
        ('a in ["b" "c"]', "expected a comma or an operator between two strings"),
        ('a == b"x"', 'got b"'),
        ('a == f"{x}"', 'got f"'),
        (r'matches(a, "\d")', r"got \d (column 13"),
        (r'a == "\777"', r"got \7"),
        ("a == 1or b", "got 1or"),
        ("a == 5.", "got 5."),
        ("a == 1_000", "got 1_000"),
        ("a == 1j", "got 1j"),
        ("a == 1e999", "expected a finite number"),
        ("(a", "expected each bracket closed"),
        ("a)", "expected an opening bracket before ')'"),
        ("a b", "expected a condition, got invalid syntax"),
        ("a is None", "expected == or !="),
        ('email.startswith("x")', 'expected startswith(email, "test-"), got a call of an attribute'),
        ('x.y("x")', "got a call of an attribute"),
        ("startswith(a)(b)", "got a call of a call"),
        ("startswith(a)", "expected 2 arguments"),
        ("segment(name='x')", "got a named one"),
        ("startswith(a, b)", "expected a value written out, got the attribute b"),
        ("startswith(a, 1)", "expected a string, as in startswith"),
        ('matches(a, "(")', "expected a regular expression"),
        (r'matches(a, r"(a+)+(b+)+$")', "(column 12 of the condition)") if engine() == "re" else ("", "nothing"),
        ('semver(a, "two")', 'expected a version with a comparison, such as ">=2.1.0"'),
        ('in_network(a, "10.0.0.0/33")', "expected a network such as \"10.0.0.0/8\", got '10.0.0.0/33' (column 15"),
        ('in_network(a, ["::1", 5])', 'expected a network such as "10.0.0.0/8", got 5'),
        ("in_network(a, b)", "expected a value written out, got the attribute b"),
        ('after("soon")', "expected a date or a time such as 2027-03-01T09:00:00Z, got 'soon'"),
        ("before(a, b)", "expected a value written out"),
        ('endswith(a, "x") == True', "expected a value to compare, got the condition endswith(…)"),
        ("(a == 1) == True", "expected an attribute or a literal, got a condition"),
        ('a in "abc"', "expected a list such as [1, 2], got a string"),
        ("a in [b]", "expected a value written out, got the attribute b"),
        ("1 in [1, 2]", "expected an attribute to look for"),
        ("a == -b", "got the attribute b"),
        ("a == -True", "got a condition or arithmetic"),
        ("user-id == 1", "got arithmetic"),
        ("a[0] == 1", "got a subscript"),
        ("a if b else c", "got an `if`"),
        ("[x for x in y]", "got what Python calls ListComp"),
        ("a == ...", "got an ellipsis"),
        ("'x'", 'expected a condition such as plan == "free", got a string'),
        ("[a]", "got a list"),
        ("None", "got null"),
        ("a, b", "got a tuple"),
    ],
)
def test_says_what_is_wrong_and_in_which_column(text: Any, message: str) -> None:
    """The error says what was expected, what came, and how a near name is spelled."""
    assert message in fault(text)


@pytest.mark.parametrize("data", fuzzed.SEEDS)
def test_what_has_been_tried_leads_nowhere(data: bytes) -> None:
    """The conditions that fuzzing begins with, and those that it has found."""
    fuzzed.once(data)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60).map(str.encode), st.binary(max_size=20).map(lambda data: b"\x80" + data)))
def test_no_text_leads_anywhere_else(data: bytes) -> None:
    """Any text is a condition of nothing but the listed values, or a MalformedDocument; and none makes Python warn."""
    fuzzed.once(data)


@pytest.mark.parametrize(
    "text", ["a." * 5000 + "a", "-" * 9999 + "1", "a(b)" * 2500, "not " * 2500 + "a", "[" * 5000, "a < " * 2500 + "a"]
)
def test_no_condition_exhausts_the_parser(text: str) -> None:
    """The longest texts of each kind of nesting end in an answer."""
    assert fault(text)
