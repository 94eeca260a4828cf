"""
Configuration, the same wherever it stands: Django's `settings.FLAGS`, Flask's `app.config["FLAGS_…"]`, and `FLAGCORE_…`
in the environment, which overrides both.

`SOURCE` names a source, and that source's arguments stand beside it in capitals; so do the client's own:

    {"SOURCE": "file", "PATH": "flags.yaml", "WAIT_SECONDS": 1}
    {"SOURCE": [{"SOURCE": "env"}, {"SOURCE": "http", "URL": "https://…", "FORMAT": "native"}]}
    {"SOURCE": "shop.flags.client"}
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from math import inf
from typing import Any

import msgspec

from flagcore.client import FlagClient
from flagcore.errors import ConfigError, UnknownOption

__all__ = ["ENVIRONMENT_PREFIX", "Options", "read_options"]

#: What every variable of the environment that configures a client begins with.
ENVIRONMENT_PREFIX = "FLAGCORE_"

#: What the flag server's own variables begin with; they are no options of a client.
_SERVER_PREFIX = "FLAGCORE_SERVE_"

_SOURCES = {
    "env": "flagcore.sources.env.EnvSource",
    "file": "flagcore.sources.file.FileSource",
    "foff": "flagcore.sources.http.FoffSource",
    "http": "flagcore.sources.http.HTTPSource",
    "memory": "flagcore.sources.memory.MemorySource",
    "ofrep": "flagcore.sources.ofrep.OFREPSource",
    "soasap": "flagcore.sources.http.SoasapSource",
}

#: The client's own options, by what an adapter or a client does with them.
_CLIENT = ("CACHE_DIR", "MAX_STALE_SECONDS", "ON_ERROR", "ON_STALE", "SHARE")
_ADAPTER = ("CONTEXT_FROM", "WAIT_SECONDS")

#: How the environment says None, where a folder's name would be text too.
_NOTHING = ("", "None", "null")


@dataclass(frozen=True)
class Options:
    """
    What a configuration says.

    Attributes:
        client: made, not started.
        wait_seconds: how long the adapter's start may wait for the sources; 0 does not wait.
        context_from: the user's function of the request, or None for the adapter's default.
    """

    client: FlagClient
    wait_seconds: float = 0.0
    context_from: Callable[[Any], Any] | None = None


def read_options(
    settings: Mapping[str, Any],
    *,
    spelling: str = "{}",
    environ: Mapping[str, str] = os.environ,
    client: FlagClient | None = None,
) -> Options:
    """
    The client and the adapter's options that a configuration says.

    Args:
        settings: {OPTION: value}.
        spelling: how an option is written where the settings come from, such as `FLAGS_{}`; for messages.
        environ: the environment; its `FLAGCORE_…` variables override the settings.
        client: a client that code has passed, which overrides every option about sources.

    Raises:
        UnknownOption: an option that is not known; said before any value is looked at.
        ConfigError: a value that can't be right. The message names the option as it was written.
    """
    options = _overridden(settings, spelling, environ)
    wait = options.pop("WAIT_SECONDS", None)
    context_from = options.pop("CONTEXT_FROM", None)
    if client is None:
        client = _client(options, spelling.format("SOURCE"))
    else:
        _refuse_unknown(options, (*_CLIENT, *_ADAPTER, *_every_source_option()))
    return Options(client, _seconds(wait), _loaded(context_from))


@dataclass(frozen=True)
class _Option:
    value: Any
    spelled: str
    is_text: bool  #: came from the environment, so that it has still to be read as JSON where no text is wanted


def _overridden(settings: Mapping[str, Any], spelling: str, environ: Mapping[str, str]) -> dict[str, _Option]:
    given = {str(name): _Option(value, spelling.format(name), is_text=False) for name, value in settings.items()}
    over = {
        name[len(ENVIRONMENT_PREFIX) :]: _Option(value, name, is_text=True)
        for name, value in environ.items()
        if name.startswith(ENVIRONMENT_PREFIX) and not name.startswith(_SERVER_PREFIX)
    }
    if "SOURCE" in over:
        # Another source has other arguments: those of the settings' source go with it.
        given = {name: option for name, option in given.items() if name in (*_CLIENT, *_ADAPTER)}
    return {**given, **over}


def _client(options: dict[str, _Option], spelled: str) -> FlagClient:
    own = {name: options.pop(name) for name in _CLIENT if name in options}
    source = options.pop("SOURCE", None)
    if source is None or source.value in (None, ""):
        _refuse_unknown(options, ("SOURCE", *_CLIENT, *_ADAPTER, *_every_source_option()))
        raise ConfigError(
            f"{spelled}: expected one of {', '.join(_SOURCES)}, a list of such mappings, or a dotted path to a source "
            "or client of your own; got nothing"
        )
    value = _json(source.value) if source.is_text and source.value.lstrip().startswith("[") else source.value
    if isinstance(value, (list, tuple)):
        _refuse_unknown(options, ("SOURCE", *_CLIENT, *_ADAPTER))
        made = [_layer(each, f"{source.spelled}[{number}]") for number, each in enumerate(value)]
    else:
        made = [_source(value, source.spelled, options)]
    if len(made) == 1 and isinstance(made[0], FlagClient):
        _refuse_unknown(own, ("SOURCE", *_ADAPTER))
        return made[0]
    arguments = {name.lower(): _read(option, option.value) for name, option in own.items()}
    if "on_error" in arguments:
        arguments["on_error"] = _loaded(own["ON_ERROR"])
    if "cache_dir" in arguments and own["CACHE_DIR"].is_text:
        text = own["CACHE_DIR"].value
        arguments["cache_dir"] = None if text in _NOTHING else text
    return FlagClient(*made, **arguments)


def _layer(mapping: object, spelled: str) -> Any:
    if not isinstance(mapping, Mapping):
        return _source(mapping, spelled, {})
    options = {str(name): _Option(value, f"{spelled}[{name!r}]", is_text=False) for name, value in mapping.items()}
    source = options.pop("SOURCE", None)
    if source is None:
        raise ConfigError(f"{spelled}: expected a mapping with SOURCE, got one without")
    return _source(source.value, source.spelled, options)


def _source(value: object, spelled: str, options: dict[str, _Option]) -> Any:
    if isinstance(value, str):
        if value not in _SOURCES and "." not in value and ":" not in value:
            close = get_close_matches(value, _SOURCES, 1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ConfigError(f"{spelled}: expected one of {', '.join(_SOURCES)} or a dotted path, got {value!r}{hint}")
        value = _imported(_SOURCES.get(value, value), spelled)
    if not isinstance(value, type) and not inspect.isroutine(value):
        _refuse_unknown(options, (*_CLIENT, *_ADAPTER))
        return value
    parameters = _parameters(value)
    _refuse_unknown(options, (*(name.upper() for name in parameters), *_CLIENT, *_ADAPTER))
    arguments = {name.lower(): _argument(option, parameters[name.lower()]) for name, option in options.items()}
    missing = [name for name, each in parameters.items() if each.default is each.empty and name not in arguments]
    if missing:
        raise ConfigError(f"{spelled}: {value.__name__} also needs {', '.join(name.upper() for name in missing)}")
    return value(**arguments)


def _refuse_unknown(options: Mapping[str, _Option], known: tuple[str, ...]) -> None:
    unknown = [option.spelled for name, option in options.items() if name not in known]
    if not unknown:
        return
    close = [match for name in options for match in get_close_matches(name, known, 1) if name not in known]
    hint = f"; did you mean {', '.join(close)}?" if close else ""
    raise UnknownOption(f"unknown option {', '.join(unknown)}{hint} (known here: {', '.join(sorted(set(known)))})")


def _every_source_option() -> tuple[str, ...]:
    classes = [_imported(path, name) for name, path in _SOURCES.items()]
    return ("SOURCE", *sorted({name.upper() for each in classes for name in _parameters(each)}))


def _parameters(factory: Any) -> dict[str, inspect.Parameter]:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {name: each for name, each in inspect.signature(factory).parameters.items() if each.kind in kinds}


def _argument(option: _Option, parameter: inspect.Parameter) -> Any:
    # Text stays text where text is wanted: an API key of digits is no number.
    wants_text = str(parameter.annotation).startswith(("str", "<class 'str'>", "Mapping[str, Any] | str"))
    return option.value if wants_text else _read(option, option.value)


def _read(option: _Option, value: Any) -> Any:
    return _json(value) if option.is_text else value


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return text


def _seconds(option: _Option | None) -> float:
    if option is None:
        return 0.0
    value = _read(option, option.value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < inf:
        raise ConfigError(f"{option.spelled}: expected seconds, 0 or more, got {value!r}")
    return float(value)


def _loaded(option: _Option | None) -> Any:
    if option is None or option.value is None:
        return None
    found = _imported(option.value, option.spelled) if isinstance(option.value, str) else option.value
    if not callable(found):
        raise ConfigError(f"{option.spelled}: expected a function or a dotted path to one, got {option.value!r}")
    return found


def _imported(path: str, spelled: str) -> Any:
    module, _, name = path.rpartition(":") if ":" in path else path.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"{spelled}: expected a dotted path to something importable, got {path!r} ({error})"
        ) from error
