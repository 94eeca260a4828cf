"""
Every Python sample of the two services' published READMEs, run against the flag server.

The text comes from the installed packages' metadata. What is replaced in it: the package's name in import lines, the
address, the API key, the scope, and the folder `/custom/path`, which is no test's to write. SOASAP's samples give no
address; theirs gets in as a `base_url` argument put first in each call of `create_soasap_client`.

A sample with an import of its own runs by itself. A fragment runs after those samples with imports that stand before
it in its document, in one namespace, as a reader types them: `config`, `client` and `flags` are theirs. A top-level
`async with` or `await` runs as a coroutine does.
"""

from __future__ import annotations

import ast
import asyncio
import atexit
import contextlib
import dataclasses
import importlib.metadata
import inspect
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flagcore.compat.foff import AsyncClient, Client, Config
from flagcore.compat.soasap import SoasapClient, create_soasap_client
from tests.compat.scripted import followers
from tests.documents import eventually

pytestmark = pytest.mark.published

KEY = "k-5d1c9a"
CHECKOUT = {"enableUpsells": True, "maxItems": 3}
DEFINITION = """
hierarchy: [org, team, user]
flags:
  my-feature: {value: general, overrides: [{org: org-1, team: team-a, user: user-123, value: mine}]}
  dark-mode: {value: false, overrides: [{org: org-1, team: team-a, value: true}]}
  new-checkout: {value: true}
  feature-x: {value: true}
  rate-limit: {value: 250}
  ui-theme: {value: dark}
  checkout-config: {value: {enableUpsells: true, maxItems: 3}}
  maintenance-mode: {value: false}
"""
#: How many Python samples each document has.
SAMPLES = {"foff": 7, "soasap": 8}


def readme(package: str) -> str:
    try:
        metadata = importlib.metadata.metadata(package)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{package} is not installed; it comes with flagcore[dev]")
    return metadata["Description"] or str(metadata.get_payload())


def samples(package: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", readme(package), re.MULTILINE | re.DOTALL)


def imports(sample: str) -> bool:
    return re.search(r"^(from|import) ", sample, re.MULTILINE) is not None


class Reader:
    """
    Types samples in, one namespace for all.
    """

    def __init__(self, package: str, address: str, folder: Path) -> None:
        self.names: dict[str, Any] = {"__name__": "a_readers_program"}
        self.printed = ""
        self.opened: list[SoasapClient] = []
        self.address = address
        self._package = package
        self._replacements = {
            "foff": [("https://foff.twospoon.ai/live", address), ("your-api-key", KEY), ("name-of-your-scope", "shop")],
            "soasap": [
                ("create_soasap_client(", f'create_soasap_client(base_url="{address}", '),
                ('api_key="..."', f'api_key="{KEY}"'),
                ("/custom/path", str(folder)),
            ],
        }[package]

    def adapted(self, sample: str) -> str:
        """
        The sample with what is a reader's own filled in.
        """
        module = f"flagcore.compat.{self._package}"
        text = re.sub(rf"^(from|import) {self._package}\b", rf"\1 {module}", sample, flags=re.MULTILINE)
        for old, new in self._replacements:
            text = text.replace(old, new)
        return text

    def run(self, number: int) -> None:
        """
        Run a sample, after what it needs.
        """
        found = samples(self._package)
        for each in found[:number] if not imports(found[number]) else []:
            if imports(each):
                self._run(each)
        self.printed = ""
        self._run(found[number])

    def _run(self, sample: str) -> None:
        code = compile(self.adapted(sample), "<sample>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            running = eval(code, self.names)
            if code.co_flags & inspect.CO_COROUTINE:
                asyncio.run(running)
        self.printed += output.getvalue()
        if self.names.get("flags") not in (None, *self.opened):
            self.opened.append(self.names["flags"])

    def close(self) -> None:
        """
        Close the clients of samples that leave them open.
        """
        for each in self.opened:
            each.close()
            atexit.unregister(each.close)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    pytest.importorskip("uvicorn", reason="the flag server needs uvicorn: flagcore[server]")
    from tests.integrations.served import serving

    path = tmp_path / "flags.yaml"
    path.write_text(DEFINITION)
    with serving(path, api_key=KEY, admin_token="t-8e07") as server:
        yield str(server.base_url).rstrip("/")


@pytest.mark.parametrize("package", list(SAMPLES))
def test_finds_every_sample(package: str) -> None:
    """As many blocks are found as fences are opened, as many as are known; every replacement is of use."""
    text = readme(package)
    assert len(samples(package)) == text.count("```python") == SAMPLES[package]
    reader = Reader(package, "http://server", Path("folder"))
    joined = "\n".join(samples(package))
    assert [old for old, _ in reader._replacements if old not in joined] == []
    adapted = reader.adapted(joined)
    assert adapted.count(f"from flagcore.compat.{package} import ") == joined.count(f"from {package} import ")
    assert not re.search(rf"^(from|import) {package}\b", adapted, re.MULTILINE)


# --- Foff -----------------------------------------------------------------------------------------------------------


def _read(reader: Reader) -> None:
    assert reader.names["value"] is True


def _printed(reader: Reader) -> None:
    assert reader.printed == "mine\n"


def _manual(kind: type) -> Callable[[Reader], None]:
    def check(reader: Reader) -> None:
        client = reader.names["client"]
        assert type(client) is kind
        assert client.get_feature_config("my-feature", ["org-1", "team-a", "user-123"]) == "mine"

    return check


@pytest.mark.parametrize(
    ("number", "check"),
    list(enumerate([_printed, _printed, _read, _read, _read, _manual(Client), _manual(AsyncClient)])),
)
def test_a_sample_of_foff_runs(address: str, tmp_path: Path, number: int, check: Callable[[Reader], None]) -> None:
    """It runs, reads what the server serves, and leaves nothing behind."""
    reader = Reader("foff", address, tmp_path)
    reader.run(number)
    check(reader)
    assert followers() == []


def test_the_documented_signatures_are_ours() -> None:
    """Each heading that is a signature is the method's, on both clients."""
    headings = re.findall(r"^#+ `(\w+)(\(.*\) -> .*)`$", readme("foff"), re.MULTILINE)
    assert [name for name, _ in headings] == ["get_feature_config"]
    for name, signature in headings:
        names: dict[str, Any] = {"Any": Any}
        exec(f"def {name}{signature}: ...", names)
        for kind in (Client, AsyncClient):
            ours = inspect.signature(getattr(kind, name), eval_str=True)
            without_self = ours.replace(parameters=list(ours.parameters.values())[1:])
            assert without_self == inspect.signature(names[name], eval_str=True)


def test_the_documented_fields_are_ours() -> None:
    """Each row of the table of options is a field of `Config`, in order, with its type and default."""
    rows = re.findall(r"^\| `(\w+)` +\| `(\w+)` +\| (Yes|No) +\| (?:`(\w+)`)? +\|", readme("foff"), re.MULTILINE)
    assert len(rows) == 4
    fields = [
        (each.name, each.type, "Yes", "")
        if each.default is dataclasses.MISSING
        else (each.name, each.type, "No", str(each.default))
        for each in dataclasses.fields(Config)
    ]
    assert fields == rows


# --- SOASAP ---------------------------------------------------------------------------------------------------------


def _says_enabled(reader: Reader) -> None:
    assert reader.printed == "New checkout enabled\n"


def _connects_at_once(reader: Reader) -> None:
    assert followers() != []
    assert reader.names["flags"].get_bool("new-checkout") is True


def _connects_when_read(reader: Reader) -> None:
    quick_start, flags = reader.opened
    quick_start.close()
    assert followers() == []
    assert flags.get_bool("new-checkout") is True
    assert followers() != []


def _reads_each_type(reader: Reader) -> None:
    lines = samples("soasap")[3].splitlines()
    assert [eval(line, reader.names) for line in lines] == [True, 250, "dark", CHECKOUT]


def _runs(reader: Reader) -> None:
    assert reader.printed == ""


def _closes(reader: Reader) -> None:
    assert followers() == []
    assert reader.names["flags"].get_bool("new-checkout") is True


def _serves(reader: Reader) -> None:
    import httpx

    app = reader.names["app"].test_client()
    assert (app.get("/").status_code, app.get("/").text) == (200, "OK")
    headers = {"authorization": "Bearer t-8e07", "if-match": "*", "content-type": "application/json"}
    changed = httpx.put(f"{reader.address}/api/v1/flags/maintenance-mode", content='{"value": true}', headers=headers)
    assert changed.status_code == 200
    eventually(lambda: (app.get("/").status_code, app.get("/").text) == (503, "Maintenance"))


@pytest.mark.parametrize(
    ("number", "check"),
    list(
        enumerate(
            [_says_enabled, _connects_at_once, _connects_when_read, _reads_each_type, _runs, _runs, _closes, _serves]
        )
    ),
)
def test_a_sample_of_soasap_runs(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, check: Callable[[Reader], None]
) -> None:
    """It runs, and reads what the server serves; an earlier run has left its snapshot on disk."""
    if "flask" in samples("soasap")[number]:
        pytest.importorskip("flask", reason="this sample is of a Flask application: flagcore[flask]")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setenv("SOASAP_API_KEY", KEY)
    earlier = create_soasap_client(api_key=KEY, base_url=address)
    eventually(lambda: earlier.get_bool("new-checkout"))
    earlier.close()
    reader = Reader("soasap", address, tmp_path / "custom")
    with contextlib.closing(reader):
        reader.run(number)
        check(reader)
    assert followers() == []
