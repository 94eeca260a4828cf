"""
What must stand whatever comes: each target runs on inputs that are made to reach what no run before has reached.

    python -m fuzz events --minutes 10

A target is `once(data)`, which raises only where a promise is broken, and `SEEDS` to begin with. What was found is kept
in `seeds/<target>/`, and the suite runs it again.
"""
