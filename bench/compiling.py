"""
What a flag's rules cost once: at its first read they become one Python function.
"""

from __future__ import annotations

from statistics import median
from time import perf_counter

from bench import specimen
from bench.clock import Effort
from bench.report import Report

__all__ = ["measure"]


def measure(report: Report, effort: Effort) -> None:
    """
    Add the microseconds of a first read: the median of many flags, each with the targeting rule of two clauses.
    """
    from flagcore import EvaluationContext, FlagClient, MemorySource

    rule = specimen.native()["flags"]["targeted"]
    keys = [f"targeted-{number}" for number in range(effort.bulk // 20)]
    client = FlagClient(MemorySource({"flags": dict.fromkeys(keys, rule)}), cache_dir=None)
    client.start()
    context = EvaluationContext.of(specimen.WHO["hit"])
    taken = []
    for key in keys:
        begun = perf_counter()
        found = client.get_bool(key, False, context)
        taken.append(perf_counter() - begun)
        assert found is True, f"compile: expected True, got {found!r}"
    client.close()
    report.figures["compile"] = median(taken) * 1e6
    report.checked["compile"] = len(keys)
