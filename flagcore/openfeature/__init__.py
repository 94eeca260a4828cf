"""
OpenFeature, both ways.

    api.set_provider(FlagcoreProvider(client))            # flagcore answers behind OpenFeature's own API
    client = FlagClient(OpenFeatureSource(provider))      # any vendor's provider answers behind flagcore's

Needs the extra `openfeature`.
"""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("openfeature") is None:
    raise ImportError('flagcore.openfeature needs the OpenFeature SDK: pip install "flagcore[openfeature]"')

from flagcore.openfeature.provider import FlagcoreProvider
from flagcore.openfeature.source import OpenFeatureSource

__all__ = ["FlagcoreProvider", "OpenFeatureSource"]
