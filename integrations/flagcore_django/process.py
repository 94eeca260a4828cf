"""
What this process is for: whether it serves requests, or runs one of Django's management commands. Internal.

Only a server follows its flags from the start. Commands run in build steps and on machines that reach no flag service,
and most of them read no flag.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from traceback import walk_stack

__all__ = ["is_command", "is_serving"]

#: What Django's autoreloader sets in the environment of the child that serves; the parent only watches files.
#: Source: `django.utils.autoreload.DJANGO_AUTORELOAD_ENV`.
_CHILD_OF_RELOADER = ("RUN_MAIN", "true")

#: The script that takes a management command as its first argument. Projects edit theirs: it may do more than that.
_SCRIPT = "manage.py"


def is_serving() -> bool:
    """
    Whether requests will be served from here: by a WSGI or ASGI server, or by `runserver` unless this is the
    autoreloader's parent. I/O: none.
    """
    command = _command()
    if command is None:
        return True
    name, variable = _CHILD_OF_RELOADER
    is_runserver = command[:1] == ["runserver"]
    return is_runserver and ("--noreload" in command or os.environ.get(name) == variable)


def is_command() -> bool:
    """
    Whether a management command is what set Django up, `runserver` among them. I/O: none.
    """
    return _command() is not None


def _command() -> list[str] | None:
    """
    The management command with its arguments, or None outside of one.
    """
    # The stack knows a command, whatever script it was called by; the script's name knows one that sets Django up
    # before it calls the command.
    for frame, _ in walk_stack(None):
        if frame.f_code.co_name == "execute" and frame.f_globals.get("__name__") == "django.core.management":
            return list(frame.f_locals["self"].argv[1:])
    return sys.argv[1:] if sys.argv and Path(sys.argv[0]).name == _SCRIPT else None
