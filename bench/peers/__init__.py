"""
Who is measured: one module a peer, each with `make() -> Peer`. A peer's own package is imported in `make` only.
"""
