"""
Whose certificates are believed: the option `verify`.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import certifi

from flagcore.errors import ConfigError
from flagcore.network.remote import Verify

__all__ = ["Trust"]


class Trust:
    """
    The TLS settings for `verify`, made when first needed: reading the certificates takes some 20 ms.

    Args:
        verify: True for SSL_CERT_FILE, SSL_CERT_DIR or else certifi's authorities; False for none (any certificate is
            believed); a file or folder of authorities; or a context of one's own.
    """

    def __init__(self, verify: Verify) -> None:
        self._verify = verify
        self._context: ssl.SSLContext | None = verify if isinstance(verify, ssl.SSLContext) else None
        #: Looked up now: certifi may import on its first call, which a feed's thread must not.
        self._authorities = certifi.where()

    def context(self) -> ssl.SSLContext:
        """
        The settings. I/O: reads the certificates, the first time.

        Raises:
            OSError: they can't be read; `ssl.SSLError`, a kind of it, when they are none.
        """
        if self._context is None:
            self._context = self._made()
        return self._context

    def check(self, option: str) -> None:
        """
        Raises:
            ConfigError: the settings can't be made.
        """
        try:
            self.context()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ConfigError(
                f"{option}: expected a file or folder of certificates, got {self._verify!r}: {reason}"
            ) from error

    def _made(self) -> ssl.SSLContext:
        if self._verify is False:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        if self._verify is not True:
            place = os.fspath(self._verify)  # type: ignore[arg-type]  # a context was taken as it is
            return (
                ssl.create_default_context(capath=place)
                if Path(place).is_dir()
                else ssl.create_default_context(cafile=place)
            )
        file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
        if file or folder:
            return ssl.create_default_context(cafile=file or None, capath=folder or None)
        return ssl.create_default_context(cafile=self._authorities)
