"""
Many hours of a web application's life in a few minutes: thousands of flags, a change a second, a flag service that
fails in every way at random, and readers that never stop.

    python -m soak --minutes 10

The figures of the last full run are in docs/soak.md.
"""
