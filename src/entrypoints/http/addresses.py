"""Where a request comes from: its peer, or whom a proxy that is trusted names."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from ...domain import identity
from ..settings import Settings
from ..values import ForwardedHeader, Network, networks_of

MOST_HOPS = 16
"""Proxies between us and a client; what somebody wrote before those is not looked at."""
FORWARDING = frozenset((b"x-forwarded-for", b"forwarded", b"x-real-ip"))
"""What proxies write who for."""
LONGEST = 64
"""Characters; no address with a port has more."""


@lru_cache(4096)
def parsed(text: str) -> IPv4Address | IPv6Address | None:
    """The address in a text, with or without a port; None where there is none. An IPv4 address in IPv6's
    clothes is an IPv4 address."""
    bare = text.strip().strip('"')
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ip_address(bare)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


@lru_cache(4096)
def network_of(address: str) -> str:
    """Whom an address is counted for, as guesses at a password are; nobody ("") for what is no address."""
    found = parsed(address)
    return "" if found is None else identity.network_of(str(found))


@lru_cache(4096)
def is_in(address: str, networks: tuple[Network, ...]) -> bool:
    """Whether an address belongs to one of the networks."""
    found = parsed(address)
    return found is not None and any(found in network for network in networks)


class Addresses:
    """Finds the client's address. A header is believed as far as the proxies are trusted that wrote it: from
    the end of the list on, up to the first address that is none of theirs."""

    def __init__(self, settings: Settings) -> None:
        self._proxies = networks_of(settings.trusted_proxies)
        self._name: ForwardedHeader = settings.forwarded_header
        self._header = self._name.encode()

    def of(self, scope: Any) -> str:
        """The address, empty where the peer has none."""
        client = scope.get("client")
        peer = client[0] if client else ""
        if not self._proxies or not is_in(peer, self._proxies):
            return str(peer)
        for hop in self._hops(scope["headers"]):
            found = parsed(hop) if len(hop) <= LONGEST else None
            if found is None:
                break
            peer = str(found)
            if not is_in(peer, self._proxies):
                break
        return str(peer)

    def is_sure(self, scope: Any) -> bool:
        """Whether it is known who asks: no proxy that is not listed says that it asks for another."""
        client = scope.get("client")
        named = any(name in FORWARDING for name, _ in scope["headers"])
        return not named or is_in(client[0] if client else "", self._proxies)

    def _hops(self, headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
        """Who is named, the nearest first."""
        lines = [value.decode("latin-1") for name, value in headers if name == self._header]
        named = [part for line in lines for part in line.split(",")]
        latest = named[: -MOST_HOPS - 1 : -1]
        return latest if self._name == "x-forwarded-for" else list(_named_for(latest))


def _named_for(elements: Iterable[str]) -> Iterator[str]:
    """The `for` of each element of a `Forwarded` header (RFC 7239)."""
    for element in elements:
        pairs = (pair.strip().partition("=") for pair in element.split(";"))
        yield next((value for name, _, value in pairs if name.lower() == "for"), "")
