"""Whose certificates are believed."""

import ssl
from functools import cache

import httpx2


@cache
def authorities() -> ssl.SSLContext:
    """Those that the system trusts, or that `SSL_CERT_FILE` or `SSL_CERT_DIR` names. One for all
    clients: the list takes its time to be read.
    """
    return httpx2.create_ssl_context()
