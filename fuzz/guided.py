"""
`python -m fuzz.guided TARGET SECONDS PREFIX`: one target, guided by which of flagcore's branches an input reaches.

The guiding is libFuzzer's, by way of atheris.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

from fuzz.targets import Target, load

__all__ = ["main"]

#: Bytes an input may have: several times the largest seed.
_INPUT_BYTES = 8192

#: MiB that the process may grow to, with all that the fuzzer itself remembers. A document of `MAX_NODES` values, which
#: a few aliases of YAML can ask for, takes about 200.
_MEMORY_MIB = 768

#: Seconds that one input may take on a machine under load, with every branch counted: what takes longer hangs.
_INPUT_SECONDS = 30


def main(name: str, seconds: str, prefix: str) -> None:
    """
    Run the target; does not return. The process ends with 0 if every promise held.
    """
    target = _instrumented(name)
    corpus = Path(tempfile.mkdtemp(prefix=f"flagcore-fuzz-{name}-"))
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    limits = [f"-max_total_time={seconds}", f"-max_len={_INPUT_BYTES}", f"-timeout={_INPUT_SECONDS}"]
    reports = [f"-artifact_prefix={prefix}", "-print_final_stats=1", f"-rss_limit_mb={_MEMORY_MIB}"]
    if target.mutate is not None:
        mutate = target.mutate
        hook = {"custom_mutator": lambda data, size, seed: mutate(data, size, seed, atheris.Mutate)}
    else:
        hook = {}
    atheris.Setup([sys.argv[0], *limits, *reports, str(corpus)], target.once, **hook)
    atheris.Fuzz()


def _instrumented(name: str) -> Target:
    with atheris.instrument_imports(include=["flagcore"]):
        target = load(name)
        for seed in target.seeds:  # a format is imported when its first document comes
            target.once(seed)
    return target


if __name__ == "__main__":
    main(*sys.argv[1:])
