import pytest

from flagcore import FlagClient, MemorySource, Reason
from flagcore.errors import MalformedDocument


def test_every_member_is_a_static_flag() -> None:
    """One flat object, the same for everybody."""
    client = FlagClient(MemorySource('{"a": true, "n": 1.5, "s": "x", "o": {"k": [1]}}', format="soasap"))
    assert client.get_bool("a") is True
    assert client.get_number("n") == 1.5
    assert client.get_string("s") == "x"
    assert client.get_json("o") == {"k": [1]}
    assert client.details("a", False).reason is Reason.STATIC
    assert client.get_feature_config("a", ["any", "path"]) is True


@pytest.mark.parametrize("document", ["[]", "null", "1", '"x"', "true"])
def test_the_root_must_be_an_object(document: str) -> None:
    """Anything else is no snapshot."""
    with pytest.raises(MalformedDocument, match="expected an object as the whole document"):
        MemorySource(document, format="soasap")
