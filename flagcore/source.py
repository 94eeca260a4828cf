"""
What a source of flags is: where bytes come from, and what it answers with.

A source of one's own needs four attributes and nothing from here but `Body` and `SAME`:

    class Table:
        name = "table"
        format = "native"
        poll_seconds = 5.0

        def fetch(self, etag: str | None) -> Body | Same:
            revision, text = query()
            return SAME if revision == etag else Body(text, etag=revision)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Protocol, runtime_checkable

__all__ = ["SAME", "SUFFIXES", "SYNTAXES", "Body", "Same", "Source", "Syntax", "named_syntax"]

#: How a document is written. JSON is what every service speaks; files and `MemorySource` may hold the others.
Syntax = Literal["json", "yaml", "toml"]

#: All of them.
SYNTAXES: Final[tuple[Syntax, ...]] = ("json", "yaml", "toml")

_SUFFIXES: Final[dict[str, Syntax]] = {".json": "json", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml"}

#: What a file's name may end in.
SUFFIXES: Final = tuple(_SUFFIXES)


def named_syntax(name: str) -> Syntax | None:
    """
    The syntax that the end of a file's name or a URL's path says, or None.
    """
    dot = name.rfind(".")
    return _SUFFIXES.get(name[dot:].lower()) if dot >= 0 else None


@dataclass(frozen=True, slots=True)
class Body:
    """
    One whole document as it came.

    Attributes:
        content: the document's bytes, undecoded.
        etag: what names this revision at the source, handed to the next `fetch`; None when it has no name.
        syntax: how `content` is written.
    """

    content: bytes
    etag: str | None = None
    syntax: Syntax = "json"

    def __repr__(self) -> str:
        return f"Body({len(self.content)} bytes, etag={self.etag!r}, syntax={self.syntax!r})"


class Same:
    """
    The answer "unchanged since that etag". Its one value is `SAME`.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "SAME"


#: The one value of `Same`.
SAME: Final = Same()


@runtime_checkable
class Source(Protocol):
    """
    Where documents come from. Implement it to bring one's own origin.

    Attributes:
        name: how the log, `Snapshot.origin` and health pages call it. Carries no secret.
        format: the name of the format its bytes are in, such as `native`.
        poll_seconds: seconds between two fetches; 0 fetches once.
    """

    @property
    def name(self) -> str:
        """
        How logs and health pages call it; no secret.
        """
        ...

    @property
    def format(self) -> str:
        """
        The name of the format its bytes are in.
        """
        ...

    @property
    def poll_seconds(self) -> float:
        """
        Seconds between two fetches; 0 fetches once.
        """
        ...

    def fetch(self, etag: str | None) -> Body | Same:
        """
        The newest document, or `SAME` when it is still the one that `etag` names. Plain and blocking: the thread
        feed calls it in its own thread, the task feed in a worker thread.

        Args:
            etag: the `Body.etag` of the document at hand, or None for none.

        Raises:
            SourceUnavailable: nothing came; the feed retries with back-off, after `retry_after` seconds if given.
            SourceDenied: no use in trying again; the feed stops.
            OSError: counts as `SourceUnavailable`.
        """
        ...
