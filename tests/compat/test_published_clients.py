"""
The clients that the two services publish, and ours, read one flag server: they agree on every key and every path.

What the server sends each of them is for its own tests to say; here each is asked, and the answers are compared. The
published SOASAP client runs in a process of its own, as its threads outlive `close()`.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import flagcore.compat.foff
import flagcore.compat.soasap
from flagcore import FlagClient, FoffSource, SoasapSource
from tests.documents import eventually

pytestmark = pytest.mark.published

KEY = "k-5d1c9a"
#: Every kind of value, and overrides at each level, with levels left out, null and empty values, and numbers as ids.
DEFINITION: dict[str, Any] = {
    "hierarchy": ["org", "team", "user"],
    "flags": {
        "on": {"value": True},
        "off": {"value": False, "overrides": [{"org": "acme", "value": True}]},
        "int": {"value": 0, "overrides": [{"org": "acme", "team": "web", "value": -7}]},
        "large": {"value": 9007199254740993},
        "float": {"value": 0.1, "overrides": [{"org": "zoë", "team": "web", "user": "ann", "value": 1e-9}]},
        "text": {
            "value": "light",
            "overrides": [
                {"org": "acme", "value": "dark"},
                {"org": "acme", "team": "web", "user": "ann", "value": "midnight ☾"},
                {"org": "zoë", "team": "web", "value": ""},
                {"org": "42", "value": "numbered"},
            ],
        },
        "empty": {"value": ""},
        "null": {
            "value": None,
            "overrides": [{"org": "acme", "value": 1}, {"org": "acme", "team": "web", "value": None}],
        },
        "list": {"value": [1, "two", None, [3.5]], "overrides": [{"org": "42", "value": []}]},
        "object": {"value": {"a": {"b": [True]}}, "overrides": [{"org": "acme", "team": "web", "value": {}}]},
        "variant": {
            "variants": {"small": {"max": 5}, "large": {"max": 50}},
            "value": "small",
            "overrides": [{"org": "acme", "value": "large"}],
        },
        "odd key/with: slash": {"value": "ünïcode \u2028 line"},
        "default": {"value": "a flag of that name"},
    },
}
KEYS = [*DEFINITION["flags"], "no-such-flag", ""]
#: For each level every id that an override names, one that none names, and what the protocol itself uses.
IDS = [["acme", "zoë", "42", "nobody", "default", ""], ["web", "ops", "acme", "default", ""], ["ann", "bob", ""]]
PATHS = [list(path) for path in itertools.product(*IDS)]


def published(package: str) -> ModuleType:
    """
    The package, of the version that its facts were read off.
    """
    module = pytest.importorskip(package, reason=f"{package} is not installed; it comes with flagcore[dev]")
    assert importlib.metadata.version(package) == {"foff": "0.2.0", "soasap": "1.0.3"}[package]
    return module


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("uvicorn", reason="the flag server needs uvicorn: flagcore[server]")
    from tests.integrations.served import serving

    path = tmp_path_factory.mktemp("server") / "flags.json"
    path.write_text(json.dumps(DEFINITION))
    with serving(path, api_key=KEY) as server:
        yield str(server.base_url).rstrip("/")


def typed(value: Any) -> tuple[str, str]:
    """
    A value so that 1, 1.0 and True differ.
    """
    return type(value).__name__, json.dumps(value)


# --- Foff -----------------------------------------------------------------------------------------------------------


def test_foff_agrees_on_every_feature_and_path(address: str) -> None:
    """The published client, our source and our door give the same for each feature along each path."""
    theirs = published("foff")
    config = ("api_key", "base_url", "scope", "polling_interval")
    given = dict(zip(config, (KEY, address, "any scope/at all", 0), strict=True))
    with (
        theirs.Client(theirs.Config(**given)) as original,
        flagcore.compat.foff.Client(flagcore.compat.foff.Config(**given)) as door,
        FlagClient(FoffSource(KEY, "any scope/at all", address, polling_interval=0), cache_dir=None) as client,
    ):
        assert client.wait_ready(5)
        found = set()
        for key, path in itertools.product(KEYS, PATHS):
            expected = typed(original.get_feature_config(key, path))
            assert (key, path, typed(door.get_feature_config(key, path))) == (key, path, expected)
            assert (key, path, typed(client.get_feature_config(key, path))) == (key, path, expected)
            found.add((key, expected))
    # Each override was met by some path, or the comparison says little.
    overrides = sum(len(flag.get("overrides", [])) for flag in DEFINITION["flags"].values())
    assert len(found) == len(KEYS) + overrides - 1, "one override repeats its flag's value"


def test_foff_agrees_by_context(address: str) -> None:
    """A read by context, of each prefix of each path, gives what the published client gives for that path."""
    theirs = published("foff")
    names = DEFINITION["hierarchy"]
    source = FoffSource(KEY, "shop", address, polling_interval=0)
    with (
        theirs.Client(theirs.Config(KEY, address, "shop", 0)) as original,
        FlagClient(source, cache_dir=None) as client,
    ):
        assert client.wait_ready(5)
        for path in {tuple(path[:depth]) for path in PATHS for depth in range(4)}:
            flags = client.flags(dict(zip(names, path, strict=False)))
            filled = [*path, *["nobody"] * (len(names) - len(path))]
            for key in KEYS:
                assert (key, path, typed(flags.get_json(key))) == (
                    key,
                    path,
                    typed(original.get_feature_config(key, filled)),
                )


@pytest.mark.parametrize("path", [[], ["acme"], ["acme", "web"], ["acme", "web", "ann", "phone"]])
def test_foff_refuses_the_same_paths(address: str, path: list[str]) -> None:
    """A path of the wrong length is a ValueError of both, with both lengths in it."""
    for module in (published("foff"), flagcore.compat.foff):
        with module.Client(module.Config(KEY, address, "shop", 0)) as client:
            with pytest.raises(ValueError, match="hierarchy") as raised:
                client.get_feature_config("text", path)
            assert str(len(path)) in str(raised.value)
            assert "3" in str(raised.value)
            assert "['org', 'team', 'user']" in str(raised.value)


def test_foff_differs_where_the_published_client_takes_an_id_for_a_path(address: str) -> None:
    """An id that holds the separator is someone else's override to the published client, and nobody's to ours."""
    theirs = published("foff")
    path = ["acme#web#ann", "x", "y"]
    with theirs.Client(theirs.Config(KEY, address, "shop", 0)) as original:
        assert original.get_feature_config("text", path) == "midnight ☾"
    config = flagcore.compat.foff.Config(KEY, address, "shop", 0)
    with flagcore.compat.foff.Client(config) as door:
        assert door.get_feature_config("text", path) == "light"


# --- SOASAP ---------------------------------------------------------------------------------------------------------

_DEFAULTS: dict[str, list[Any]] = {
    "get_bool": [False, True],
    "get_flag": [False, True],
    "get_number": [0, 1.5],
    "get_string": ["", "none"],
    "get_json": [None, {"none": 1}, [1]],
}

_READ_ALL = """
import json, os, sys, time
from soasap import create_soasap_client
key, address, folder, questions = json.loads(sys.argv[1])
client = create_soasap_client(api_key=key, base_url=address, cache_directory=folder, preload=True)
end = time.monotonic() + 20
while not client.get_bool("on") and time.monotonic() < end:
    time.sleep(0.01)
print(json.dumps([getattr(client, getter)(flag, default) for getter, flag, default in questions]), flush=True)
os._exit(0)
"""


def test_soasap_agrees_on_every_key(address: str, tmp_path: Path) -> None:
    """The published client and our door give the same for each key, by each getter, with each default."""
    published("soasap")
    questions = [(getter, key, each) for getter in _DEFAULTS for key in KEYS for each in _DEFAULTS[getter]]
    script = [sys.executable, "-c", _READ_ALL, json.dumps([KEY, address, str(tmp_path / "theirs"), questions])]
    theirs = json.loads(subprocess.run(script, capture_output=True, check=True, timeout=30).stdout)
    door = flagcore.compat.soasap.create_soasap_client(
        api_key=KEY, base_url=address, cache_directory=str(tmp_path / "ours")
    )
    eventually(lambda: door.get_bool("on"))
    ours = [getattr(door, getter)(key, default) for getter, key, default in questions]
    door.close()
    for question, one, other in zip(questions, theirs, ours, strict=True):
        assert (question, typed(one)) == (question, typed(other))
    with FlagClient(SoasapSource(KEY, address), cache_dir=None) as client:
        assert client.wait_ready(5)
        for (getter, key, default), one in zip(questions, theirs, strict=True):
            if getter != "get_json":
                get = {"get_flag": client.is_enabled, "get_number": client.get_float}.get(getter)
                assert (key, typed((get or getattr(client, getter))(key, default))) == (key, typed(one))
            elif one != default:
                # Ours takes an object for an array's default no more than a string for a number's.
                assert (key, client.get_json(key)) == (key, one)


# --- what can be called ---------------------------------------------------------------------------------------------


def _parameters(function: Any) -> list[tuple[str, Any, Any]]:
    # How SOASAP's own tests get a connection in is no part of what it documents.
    parameters = inspect.signature(function).parameters.values()
    return [(each.name, each.kind, each.default) for each in parameters if each.name != "http_opener"]


@pytest.mark.parametrize(
    ("package", "door"), [("foff", flagcore.compat.foff), ("soasap", flagcore.compat.soasap)], ids=["foff", "soasap"]
)
def test_every_published_name_takes_the_same_arguments(package: str, door: ModuleType) -> None:
    """What the package exports, the door has; each function and method takes what the original takes."""
    theirs = published(package)
    assert set(door.__all__) == set(theirs.__all__)
    for name in theirs.__all__:
        original, ours = getattr(theirs, name), getattr(door, name)
        if inspect.isfunction(original):
            assert (name, _parameters(ours)) == (name, _parameters(original))
        for method in (
            [each for each in vars(original) if not each.startswith("_")] if inspect.isclass(original) else []
        ):
            member = getattr(original, method)
            if inspect.isfunction(member):
                assert (name, method, _parameters(getattr(ours, method))) == (name, method, _parameters(member))
                assert inspect.iscoroutinefunction(getattr(ours, method)) == inspect.iscoroutinefunction(member)
            else:
                assert hasattr(ours, method), f"{name}.{method}"
