"""
What kind of machine this is: enough to read the figures by, nothing that names it.
"""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

__all__ = ["kind"]


def kind() -> str:
    """
    Processor, cores, memory, system and Python.
    """
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{_processor()}, {os.cpu_count()} cores, {platform.system()}, {python}"


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()
