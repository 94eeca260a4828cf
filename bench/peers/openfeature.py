"""
OpenFeature's SDK with its in-memory provider: a flag's rule is a Python function, so this is the SDK's own cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench import specimen
from bench.peer import Bulk, Peer, Reading

__all__ = ["SDK", "make"]


def _targeted(flag: Any, context: Any) -> Any:
    from openfeature.flag_evaluation import FlagResolutionDetails, Reason

    hit = context.attributes.get("country") in specimen.COUNTRIES and context.attributes.get("plan") == specimen.PLAN
    return FlagResolutionDetails(hit, reason=Reason.TARGETING_MATCH, variant=str(hit))


class SDK:
    """
    A peer that is asked through the SDK's client, whatever provider answers.
    """

    distribution = "openfeature-sdk"
    imports = ("from openfeature import api", "from openfeature import api")
    bulk: Bulk | None = None

    def __init__(self, provider: Any) -> None:
        from openfeature import api

        self._api = api
        api.set_provider_and_wait(provider)
        self._client = api.get_client()

    def asking(self, who: Mapping[str, Any]) -> dict[str, Any]:
        from openfeature.evaluation_context import EvaluationContext

        rest = {key: value for key, value in who.items() if key != "targeting_key"}
        key = who["targeting_key"]
        return {"o": self._client, "C": EvaluationContext, "w": rest, "k": key, "c": EvaluationContext(key, rest)}

    def readings(self) -> dict[str, Reading | str]:
        return {
            "boolean": Reading("o.get_boolean_value('plain-42', False, c)"),
            "string": Reading("o.get_string_value('text-3', '', c)"),
            "json": Reading("o.get_object_value('object-2', {}, c)"),
            "targeted": Reading("o.get_boolean_value('targeted', False, c)"),
            "built": Reading("o.get_boolean_value('targeted', False, C(k, {**w}))"),
        }

    def close(self) -> None:
        self._api.shutdown()


def make() -> Peer:
    """
    The SDK with the plain flags and one that is targeted.
    """
    from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider

    flags: dict[str, Any] = {key: InMemoryFlag("only", {"only": value}) for key, value in specimen.values().items()}
    flags["targeted"] = InMemoryFlag("no", {"no": False, "yes": True}, context_evaluator=_targeted)
    return SDK(InMemoryProvider(flags))
