"""
How flagcore is used, for a type checker: never run. A line that must be refused carries the ignore it needs; with
`warn_unused_ignores`, one that is accepted fails.
"""

from __future__ import annotations

from typing import Any

from flagcore import SAME, Body, EvaluationContext, Flag, FlagClient, Flags, MemorySource, Resolution, Same, Source
from flagcore.testing import override

NEW_CHECKOUT = Flag("new-checkout", False, owner="payments", expires="2027-03-01")
LIMITS: Flag[dict[str, int]] = Flag("limits", {"max": 5})


class Table:
    name = "table"
    format = "native"
    poll_seconds = 5.0

    def fetch(self, etag: str | None) -> Body | Same:
        return SAME if etag else Body(b"{}")


def sources() -> list[Source]:
    return [Table(), "flags.yaml"]  # type: ignore[list-item]


def reads(client: FlagClient, flags: Flags) -> None:
    on: bool = flags.get(NEW_CHECKOUT)
    wrong: str = flags.get(NEW_CHECKOUT)  # type: ignore[assignment]
    limits: dict[str, int] = client.get(LIMITS, {"org": "acme"})
    number: int = flags.get_int("n")
    text: str = flags.get_string("s", "default")
    flags.get_bool("b", "no")  # type: ignore[arg-type]
    client.get_bool("b", False, EvaluationContext("u", {"plan": "pro"}))
    client.get_bool("b", context=5)  # type: ignore[arg-type]
    answer: Resolution[Any] = flags.details("b", False)
    with client.bound({"targeting_key": "job"}) as view, override(client, {"b": True}):
        view.with_context({"plan": "pro"}).fresh().all()
    print(on, wrong, limits, number, text, answer)


async def runs() -> None:
    async with FlagClient(MemorySource({"flags": {}}), cache_dir=None) as client:
        ready: bool = await client.await_ready(1)
        unsubscribe = client.on_change(lambda keys: print(sorted(keys)))
        unsubscribe()
        print(ready)
