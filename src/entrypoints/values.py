"""What a setting can be besides a number and a text: a rate, networks, origins."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Literal

from ..domain import shared

Network = IPv4Network | IPv6Network
ForwardedHeader = Literal["x-forwarded-for", "forwarded"]
OFF = "off"
ORIGIN = re.compile(r"https?://[^/\s*?#@]+")


class Rate(shared.Record):
    """So many in so many seconds; no amount means no limit."""

    amount: int
    seconds: int

    @classmethod
    def of(cls, text: str) -> "Rate":
        """The rate of `600/60` or `off`. Raises ValueError."""
        if text.lower() == OFF:
            return cls(0, 0)
        found = re.fullmatch(r"(\d{1,9})/(\d{1,5})", text)
        if found is None or not int(found[1]) or not int(found[2]):
            raise ValueError("so many requests in so many seconds, such as 600/60, or off")
        return cls(int(found[1]), int(found[2]))


def networks_of(text: str) -> tuple[Network, ...]:
    """The networks and addresses of a list with commas. Raises ValueError."""
    return tuple(ip_network(one.strip()) for one in text.split(",") if one.strip())


def origins_of(text: str) -> tuple[str, ...]:
    """The origins of a list with commas, each exactly as browsers send it. Raises ValueError."""
    origins = tuple(one.strip() for one in text.split(",") if one.strip())
    for one in origins:
        if not ORIGIN.fullmatch(one):
            raise ValueError(f"{one} is no origin such as https://shop.example.org")
    return origins
