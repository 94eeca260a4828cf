import pytest

from flagcore.errors import MalformedDocument
from flagcore.formats import faults, parse
from flagcore.formats.place import Places
from flagcore.source import Body

pytest.importorskip("ruamel.yaml")

TEXT = b"""\
# flags of the shop
flags:
  new-checkout:
    value: false
    rules:
      - if: country = "NL"
        value: true
      - {rollout: 25}
  empty:
    value:
  last: {value: 1}
"""


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ("$", "line 2, column 1"),
        ("$.flags", "line 3, column 3"),
        ("$.flags['new-checkout'].rules[0].if", "line 6, column 13"),
        ("$.flags['new-checkout'].rules[1].rollout", "line 8, column 19"),
        ("$.flags['new-checkout'].rules[7]", "line 6, column 7"),
        ("$.flags.empty.value", "line 10, column 5"),
        ("$.flags.last.value.deeper[3]", "line 11, column 17"),
    ],
)
def test_a_path_has_a_line_and_a_column(where: str, place: str) -> None:
    """What the text does not have is where the nearest thing around it is."""
    assert Places(TEXT).of(where) == place


def test_json_has_places_too() -> None:
    """Since YAML 1.2 holds it."""
    assert Places(b'{"flags": {\n "a": 1}}').of("$.flags.a") == "line 2, column 7"


@pytest.mark.parametrize("content", [b"", b"a: [", b"\xff\xfe\xff"])
def test_what_can_not_be_read_has_none(content: bytes) -> None:
    """The reading of it has said so already."""
    assert Places(content).of("$.a") == ""


def test_faults_of_yaml_say_their_place() -> None:
    """Those of a flag, and those of the whole document."""
    (fault,) = faults(parse("native", Body(TEXT, None, "yaml")))
    assert (fault.where, fault.place) == ("$.flags['new-checkout'].rules[0].if", "line 6, column 13")
    with pytest.raises(MalformedDocument) as caught:
        parse("native", Body(b"flags: {}\nflag: 1\n", None, "yaml"))
    assert str(caught.value).startswith("$.flag (line 2, column 7): unknown name 'flag'")
