from collections.abc import Mapping
from typing import Any

import pytest

from flagcore import SAME, Body, FlagClient, MemorySource, Same
from flagcore.adapter import Options, read_options
from flagcore.errors import ConfigError
from tests.documents import native


def read(settings: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None, **more: Any) -> Options:
    return read_options(settings or {}, spelling="FLAGS_{}", environ=environ or {}, **more)


def name_of(options: Options) -> str:
    return options.client._state.layers[0].source.name


def context_of_request(request: object) -> dict[str, Any]:
    return {}


class Shelf:
    """A source of one's own."""

    format = "native"
    poll_seconds = 0.0

    def __init__(self, label: str, pages: int = 1) -> None:
        self.name = f"{label}-{pages}"

    def fetch(self, etag: str | None) -> Body | Same:
        return SAME


own_client = FlagClient(MemorySource(native(a=1)))
own_source = MemorySource(native(a=2))


def make_client() -> FlagClient:
    return FlagClient(MemorySource(native(a=3)))


def test_a_source_by_name_with_its_arguments_beside_it() -> None:
    """In capitals; the client's and the adapter's options too."""
    options = read(
        {
            "SOURCE": "file",
            "PATH": "flags.yaml",
            "POLL_SECONDS": 5,
            "WAIT_SECONDS": 1,
            "CACHE_DIR": None,
            "CONTEXT_FROM": context_of_request,
        }
    )
    source = options.client._state.layers[0].source
    assert (source.name, source.poll_seconds) == ("file flags.yaml", 5.0)
    assert options.wait_seconds == 1.0
    assert options.context_from is context_of_request
    assert options.client._state.cache is None


def test_the_environment_means_the_same_and_overrides() -> None:
    """Text is read as JSON where no text is wanted; another source takes its own arguments only."""
    settings = {"SOURCE": "file", "PATH": "flags.yaml", "WAIT_SECONDS": 1}
    assert read(settings, {"FLAGCORE_WAIT_SECONDS": "0.5"}).wait_seconds == 0.5
    assert name_of(read(settings, {"FLAGCORE_PATH": "other.yaml"})) == "file other.yaml"
    other = read(settings, {"FLAGCORE_SOURCE": "foff", "FLAGCORE_API_KEY": "123", "FLAGCORE_SCOPE": "7"})
    assert other.client._state.layers[0].source.scope == "7"
    assert other.wait_seconds == 1.0
    dotted = read(settings, {"FLAGCORE_CONTEXT_FROM": "tests.test_options:context_of_request"})
    assert dotted.context_from is not None
    assert dotted.context_from(None) == {}
    for nothing in ("", "None", "null"):
        given = {"FLAGCORE_SOURCE": '[{"SOURCE": "env"}]', "FLAGCORE_CACHE_DIR": nothing}
        assert name_of(read({}, given)) == "env FLAG_*"
        assert read({}, given).client._state.cache is None


def test_the_flag_servers_variables_are_no_options() -> None:
    """A host may run both."""
    assert name_of(read({"SOURCE": "env"}, {"FLAGCORE_SERVE_API_KEY": "x"})) == "env FLAG_*"


def test_layers_are_a_list() -> None:
    """Mappings, dotted paths and sources, the first on top."""
    layers = [{"SOURCE": "memory", "DOCUMENT": native(a=1)}, "tests.test_options.own_source", MemorySource(native(b=1))]
    assert read({"SOURCE": layers}).client.all() == {"a": 1, "b": 1}


@pytest.mark.parametrize(
    ("path", "expected"),
    [("tests.test_options.own_client", 1), ("tests.test_options:own_source", 2), ("tests.test_options.make_client", 3)],
)
def test_a_dotted_path_leads_to_a_source_or_a_client(path: str, expected: int) -> None:
    """Or to a function that makes one."""
    assert read({"SOURCE": path}).client.get_int("a") == expected


def test_a_class_of_ones_own_takes_its_arguments_in_capitals() -> None:
    """As the sources that come along do."""
    assert name_of(read({"SOURCE": "tests.test_options.Shelf", "LABEL": "x", "PAGES": 3})) == "x-3"


def test_what_code_passes_overrides_both() -> None:
    """A client at hand needs no source; what is written is checked all the same."""
    client = FlagClient(MemorySource(native(a=1)))
    assert read({"SOURCE": "file", "PATH": "x.yaml"}, client=client).client is client
    with pytest.raises(ConfigError, match="FLAGS_PAHT"):
        read({"PAHT": "x"}, client=client)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "SOURCE: expected one of env, file, foff, http, memory, ofrep, soasap"),
        ({"SOURCE": "flie"}, "FLAGS_SOURCE: .* did you mean 'file'"),
        ({"SOURCE": "file", "PAHT": object()}, r"unknown option FLAGS_PAHT; did you mean PATH\? \(known here: .*PATH"),
        ({"SOURCE": "memory", "PATH": "x", "DOCUMENT": {}}, "unknown option FLAGS_PATH"),
        ({"SUORCE": "file"}, "unknown option FLAGS_SUORCE; did you mean SOURCE"),
        ({"SOURCE": "file"}, "FileSource also needs PATH"),
        ({"SOURCE": "env", "WAIT_SECONDS": -1}, "FLAGS_WAIT_SECONDS: expected seconds"),
        ({"SOURCE": "env", "WAIT_SECONDS": True}, "FLAGS_WAIT_SECONDS: expected seconds"),
        ({"SOURCE": "env", "CONTEXT_FROM": "nowhere.at.all"}, "FLAGS_CONTEXT_FROM: expected a dotted path"),
        ({"SOURCE": "env", "CONTEXT_FROM": 5}, "FLAGS_CONTEXT_FROM: expected a function"),
        ({"SOURCE": "tests.test_options.nothing"}, "FLAGS_SOURCE: expected a dotted path"),
        ({"SOURCE": "tests.test_options.own_client", "CACHE_DIR": None}, "unknown option FLAGS_CACHE_DIR"),
        ({"SOURCE": [{"SOURCE": "env", "PERFIX": "X"}]}, r"FLAGS_SOURCE\[0\]\['PERFIX'\]; did you mean PREFIX"),
        ({"SOURCE": [{"PREFIX": "X"}]}, r"FLAGS_SOURCE\[0\]: expected a mapping with SOURCE"),
        ({"SOURCE": ["env"], "PREFIX": "X"}, "unknown option FLAGS_PREFIX"),
        ({"SOURCE": 5}, "expected a source"),
    ],
)
def test_refuses_with_the_option_as_it_was_written(settings: dict[str, Any], message: str) -> None:
    """Unknown options first, with the known ones; then values."""
    with pytest.raises(ConfigError, match=message):
        read(settings)


def test_an_unknown_option_is_refused_before_any_value() -> None:
    """A slip beside a wrong value shows the slip."""
    with pytest.raises(ConfigError, match="FLAGS_PAHT"):
        read({"SOURCE": "file", "PATH": 5, "PAHT": 1, "WAIT_SECONDS": "x"})
