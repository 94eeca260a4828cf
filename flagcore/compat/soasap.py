"""
For those who come from SOASAP's Python client: its names and its behaviour, over flagcore.

    from flagcore.compat.soasap import create_soasap_client  # instead of: from soasap import create_soasap_client

    flags = create_soasap_client(api_key=api_key, preload=True)
    flags.get_bool("new-checkout")

Creating a client reads the disk and never the network; no getter raises. Beyond what the original does: changes arrive
when they are sent, the cap on an event holds, a denied key is not asked with again, an `on_error` that raises harms
nothing, closing leaves no thread, and a forked child goes on following.

Source: SOASAP's published documentation.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flagcore import ErrorContext, ErrorSource, FlagClient, SoasapSource
from flagcore.status import ErrorHandler

__all__ = [
    "SoasapClient",
    "SoasapClientImpl",
    "SoasapClientOptions",
    "SoasapErrorContext",
    "SoasapErrorHandler",
    "SoasapErrorSource",
    "create_error_context",
    "create_soasap_client",
]

SoasapErrorSource = ErrorSource
SoasapErrorContext = ErrorContext
SoasapErrorHandler = ErrorHandler

_BASE_URL = "https://api.soasap.com"


@dataclass
class SoasapClientOptions:
    """
    The arguments of `create_soasap_client`, held together.

    Args:
        api_key: the service's key. Never shown.
        base_url: the service's address.
        preload: whether to connect at once; else the first read does.
        cache_directory: the folder for the last snapshot; None for `~/.local/share/soasap/cache`, on Windows
            `%LOCALAPPDATA%\\soasap\\cache`.
        on_error: called with a `SoasapErrorContext` for each failure behind the scenes, in the background thread.
    """

    api_key: str = field(repr=False)
    base_url: str = _BASE_URL
    preload: bool = False
    cache_directory: str | None = None
    on_error: SoasapErrorHandler | None = None


class SoasapClient:
    """
    The flags of one environment, read from memory. Made by `create_soasap_client`. No getter raises, waits or locks;
    all methods are safe from any thread.

    Args:
        options: what to read, and how.

    Raises:
        ConfigError: the API key is blank, or an option can't be right; a ValueError.
    """

    def __init__(self, options: SoasapClientOptions) -> None:
        self._flags = FlagClient(
            SoasapSource(options.api_key, base_url=options.base_url or _BASE_URL),
            cache_dir=_folder(options.cache_directory),
            on_error=options.on_error,
        )
        if options.preload:
            self._flags.start()

    def get_bool(self, flag_key: str, default_value: bool = False) -> bool:
        """
        The flag's boolean.
        """
        return self._flags.get_bool(flag_key, default_value)

    def get_flag(self, flag_key: str, default_value: bool = False) -> bool:
        """
        `get_bool` by its older name.
        """
        return self.get_bool(flag_key, default_value)

    def get_number(self, flag_key: str, default_value: float = 0) -> float:
        """
        The flag's number, as a float; the default as it is.
        """
        return self._flags.get_float(flag_key, default_value)

    def get_string(self, flag_key: str, default_value: str = "") -> str:
        """
        The flag's string.
        """
        return self._flags.get_string(flag_key, default_value)

    def get_json(self, flag_key: str, default_value: Any = None) -> Any:
        """
        The flag's object or array, a copy, whichever of both the default is.
        """
        value = self._flags.get_json(flag_key)
        return value if isinstance(value, (dict, list)) else default_value

    def close(self, timeout: float = 5.0) -> None:
        """
        Stop following the service and write the last snapshot to disk. Idempotent; getters go on answering.

        Args:
            timeout: seconds it may take at most.
        """
        self._flags.close(timeout)

    def __repr__(self) -> str:
        return f"SoasapClient({self._flags.status})"


#: The name that the original exports its class by; `SoasapClient` is a protocol there.
SoasapClientImpl = SoasapClient


def create_soasap_client(
    options: SoasapClientOptions | None = None,
    *,
    api_key: str | None = None,
    base_url: str = _BASE_URL,
    preload: bool = False,
    cache_directory: str | None = None,
    on_error: SoasapErrorHandler | None = None,
) -> SoasapClient:
    """
    A client for the flags of one environment; one for each process is enough. I/O: reads one file. Never waits for the
    network: without `preload` nothing is asked of it before the first read.

    Args:
        options: all of it at once; the other arguments are not looked at then.
        api_key: as in `SoasapClientOptions`, like all that follow.

    Raises:
        TypeError: neither `options` nor an API key is given.
        ConfigError: the API key is blank, or an option can't be right; a ValueError.
    """
    if options is None:
        if api_key is None:
            raise TypeError("api_key: expected the environment's API key, got none; pass api_key=… or options")
        options = SoasapClientOptions(api_key, base_url, preload, cache_directory, on_error)
    return SoasapClient(options)


def create_error_context(exception: BaseException, source: SoasapErrorSource, is_transient: bool) -> SoasapErrorContext:
    """
    What `on_error` is called with, for something that has gone wrong just now; for tests of one's own handler.
    """
    return ErrorContext.now(exception, source, is_transient=is_transient)


def _folder(configured: str | None) -> Path | None:
    # The documented folders, not flagcore's own: deployments keep them over restarts.
    if configured and configured.strip():
        return Path(configured.strip())
    windows = os.environ.get("LOCALAPPDATA")
    try:
        return Path(windows, "soasap", "cache") if windows else Path.home() / ".local" / "share" / "soasap" / "cache"
    except RuntimeError:  # this user has no home; memory alone will do, as documented for a disk that fails
        return None
