"""Whom we believe to be who they say: TLS contexts, and handshake failures told so that their cause can be mended."""

from __future__ import annotations

import ssl

import anyio
import anyio.to_thread

from headroom.errors import SettingsError, Unreachable

EXPIRED, NOT_YET_VALID, WRONG_HOST, WRONG_IP = 10, 9, 62, 64
SELF_SIGNED, SELF_SIGNED_IN_CHAIN, NO_ISSUER, NO_FIRST = 18, 19, 20, 21
"""X509_V_ERR_… of OpenSSL, x509_vfy.h."""


class Trust:
    """The authorities we trust: the system's (Python honours SSL_CERT_FILE), or those of a PEM file."""

    def __init__(self, ca_bundle: str = "") -> None:
        self._ca_bundle = ca_bundle
        self._context: ssl.SSLContext | None = None
        self._loading: anyio.Lock | None = None

    async def context(self) -> ssl.SSLContext:
        """Built when first needed, once and in a thread: reading the system's roots takes 20 to 50 ms."""
        if self._context is None:
            self._loading = self._loading or anyio.Lock()
            async with self._loading:
                if self._context is None:
                    self._context = await anyio.to_thread.run_sync(self.load)
        return self._context

    def load(self) -> ssl.SSLContext:
        """Read the roots. Raises SettingsError; call it at start-up to hear of a bad file then."""
        try:
            context = ssl.create_default_context(cafile=self._ca_bundle or None)
        except (OSError, ValueError) as error:
            raise SettingsError(f"--ca-bundle {self._ca_bundle}: {_unreadable(error)}") from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        return context


def _unreadable(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return "not a PEM file of certificates"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def refused(error: OSError, peer: str) -> Unreachable:
    """A handshake that failed, by cause. `peer` is a host and port."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Unreachable(f"{peer}: {_certificate(error)}")
    if isinstance(error, ssl.SSLEOFError) or not isinstance(error, ssl.SSLError):
        return Unreachable(f"{peer}: the connection was closed during the TLS handshake")
    if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"):
        return Unreachable(f"{peer} does not speak TLS: is it an http:// address?")
    return Unreachable(f"{peer}: TLS handshake failed ({error.reason or 'unknown reason'})")


def _certificate(error: ssl.SSLCertVerificationError) -> str:
    code = error.verify_code
    if code == EXPIRED:
        return "its certificate has expired"
    if code == NOT_YET_VALID:
        return "its certificate is not valid yet: is this machine's clock right?"
    if code in (WRONG_HOST, WRONG_IP):
        return f"its certificate is for another host: {error.verify_message}"
    if code in (SELF_SIGNED, SELF_SIGNED_IN_CHAIN):
        return "its certificate is self-signed or from an unknown authority; --ca-bundle names further authorities"
    if code in (NO_ISSUER, NO_FIRST):
        return "its certificate is from an unknown authority; --ca-bundle names further authorities"
    return f"its certificate was refused: {error.verify_message}"
