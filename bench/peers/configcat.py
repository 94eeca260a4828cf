"""
ConfigCat's client, offline, with its configuration in a cache of one's own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bench import specimen
from bench.peer import Peer, Reading

__all__ = ["make"]

#: Its comparators by number: IS ONE OF, EQUALS, both on clear text.
_ONE_OF, _EQUALS = 0, 28


def _document() -> str:
    clauses = [
        {"u": {"a": "country", "c": _ONE_OF, "l": specimen.COUNTRIES}},
        {"u": {"a": "plan", "c": _EQUALS, "s": specimen.PLAN}},
    ]
    on, off = {"b": True}, {"b": False}
    flags: dict[str, Any] = {key: {"t": 0, "v": {"b": value}} for key, value in specimen.BOOLEANS.items()}
    flags |= {key: {"t": 1, "v": {"s": value}} for key, value in specimen.TEXTS.items()}
    flags |= {key: {"t": 1, "v": {"s": json.dumps(value)}} for key, value in specimen.OBJECTS.items()}
    flags["targeted"] = {"t": 0, "v": off, "r": [{"c": clauses, "s": {"v": on}}]}
    flags["half"] = {"t": 0, "v": off, "p": [{"p": 50, "v": on}, {"p": 50, "v": off}]}
    return json.dumps({"p": {"u": "http://127.0.0.1:9", "r": 0, "s": "salt"}, "s": [], "f": flags})


class _ConfigCat:
    distribution = "configcat-client"
    imports = ("import configcatclient", "import configcatclient")
    bulk = None

    def __init__(self) -> None:
        import configcatclient
        from configcatclient import ConfigCatOptions, PollingMode
        from configcatclient.interfaces import ConfigCache

        entry = f"4102444800000\netag\n{_document()}"

        class Cache(ConfigCache):  # type: ignore[misc, unused-ignore]
            def get(self, key: str) -> str:
                return entry

            def set(self, key: str, value: str) -> None:
                pass

        options = ConfigCatOptions(polling_mode=PollingMode.manual_poll(), config_cache=Cache(), offline=True)
        self._client = configcatclient.get(f"{'k' * 22}/{'k' * 22}", options)

    def asking(self, who: Mapping[str, Any]) -> dict[str, Any]:
        from configcatclient.user import User

        rest = {key: value for key, value in who.items() if key not in ("targeting_key", "country")}
        key, country = who["targeting_key"], who["country"]
        # It names its own attributes with capitals; an attribute of ours goes by its own name.
        named = {**rest, "country": country}
        return {"o": self._client, "c": User(key, custom=named), "C": User, "k": key, "w": named}

    def readings(self) -> dict[str, Reading | str]:
        return {
            "boolean": Reading("o.get_value('plain-42', False, c)"),
            "string": Reading("o.get_value('text-3', '', c)"),
            "json": Reading("j(o.get_value('object-2', '', c))", {"j": json.loads}),
            "targeted": Reading("o.get_value('targeted', False, c)"),
            "built": Reading("o.get_value('targeted', False, C(k, custom={**w}))"),
            "rollout": Reading("o.get_value('half', False, c)"),
            "all": Reading("o.get_all_values(c)"),
        }

    def close(self) -> None:
        self._client.close()


def make() -> Peer:
    """
    ConfigCat with 98 of the flags; it has no objects, so these are texts that the caller decodes.
    """
    return _ConfigCat()
