"""Where a request comes from."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any


def client_address(scope: Mapping[str, Any]) -> IPv4Address | IPv6Address | None:
    """The address as the server sees it: behind a proxy, what that says and FORWARDED_ALLOW_IPS
    allows it to say. One of IPv4 is told as such, however it is written, and one of IPv6 without
    its interface. None for a socket, or what a caller has made up.
    """
    host, *_ = scope.get("client") or ("",)
    try:
        address = ip_address(str(host).partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
