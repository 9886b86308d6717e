"""How often somebody may ask: token buckets in bounded memory, and what an answer says of them.

Written here because it stands before every request: a check is a dictionary look-up and some arithmetic
(under a microsecond). What exists keeps an entry for whoever asks, for as long as they like to come back
under new addresses, or writes JSON to a store at each request.
"""

import math
from collections.abc import Callable, Hashable
from time import monotonic
from typing import NamedTuple

from ...domain import shared
from ..settings import Settings
from ..values import Rate

MOST_KNOWN = 65_536
"""So many are remembered who asked lately, in a few megabytes; beyond, those who owe least are forgotten."""
READING = frozenset(("GET", "HEAD", "OPTIONS"))


class RateLimited(shared.TooMany):
    message = "Too many requests ({limit}): wait {retry_after} seconds."
    limit: str


class Standing(NamedTuple):
    """Where somebody stands after a request: how many they have left, and in how many seconds all of them."""

    policy: str
    name: str
    left: int
    full_in: int

    def headers(self) -> list[tuple[bytes, bytes]]:
        """As the draft `RateLimit` header fields for HTTP have it."""
        return [
            (b"ratelimit-policy", self.policy.encode()),
            (b"ratelimit", f'"{self.name}";r={self.left};t={self.full_in}'.encode()),
        ]


class Limiter:
    """So many requests in so many seconds for each key; unused ones fill up evenly (GCRA).

    Kept is only the instant at which a key's bucket is full again, and only until then.
    """

    def __init__(
        self, name: str, rate: Rate, clock: Callable[[], float] = monotonic, most_known: int = MOST_KNOWN
    ) -> None:
        self._name, self._clock, self._most_known = name, clock, most_known
        self._whole, self._each = float(rate.seconds), rate.seconds / rate.amount
        self._policy = f'"{name}";q={rate.amount};w={rate.seconds}'
        self._full_at: dict[Hashable, float] = {}

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: Hashable) -> Standing:
        """Count a request of this key. Raises RateLimited, which counts nothing."""
        now = self._clock()
        owed = max(self._full_at.get(key, now) - now, 0.0) + self._each
        if owed > self._whole:
            raise RateLimited(limit=self._name, retry_after=math.ceil(owed - self._whole))
        if len(self._full_at) >= self._most_known and key not in self._full_at:
            self._forget(now)
        self._full_at[key] = now + owed
        return Standing(self._policy, self._name, int((self._whole - owed) / self._each), math.ceil(owed))

    def _forget(self, now: float) -> None:
        """Make room: whoever is even goes, and where that is not half, those who owe least."""
        owing = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        if 2 * len(owing) > self._most_known:
            dearest = sorted(owing, key=owing.__getitem__)[len(owing) - self._most_known // 2 :]
            owing = {key: owing[key] for key in dearest}
        self._full_at = owing


class Limits:
    """Every limit of the service: by address before anything is looked at, by credential once it is known."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = monotonic) -> None:
        def limiter(name: str, rate: Rate) -> Limiter | None:
            return Limiter(name, rate, clock) if rate.amount and settings.rate_limits else None

        self._address_reads = limiter("address-reads", settings.rate_address_reads)
        self._address_writes = limiter("address-writes", settings.rate_address_writes)
        self._reads = limiter("reads", settings.rate_reads)
        self._writes = limiter("writes", settings.rate_writes)
        self._strangers = limiter("strangers", settings.rate_strangers)
        self.refused = 0

    def by_address(self, network: str, method: str) -> Standing | None:
        """Raises RateLimited. A peer without an IP address (a Unix socket) is not limited."""
        return self._take(self._address_reads if method in READING else self._address_writes, network)

    def by_credential(self, credential: Hashable, network: str, method: str) -> Standing | None:
        """The same for who signed in; what strangers write (signing up, in) is limited by address, tightly.
        Raises RateLimited."""
        if credential is not None:
            return self._take(self._reads if method in READING else self._writes, credential)
        return None if method in READING else self._take(self._strangers, network)

    def _take(self, limiter: Limiter | None, key: Hashable) -> Standing | None:
        if limiter is None or key == "":
            return None
        try:
            return limiter.take(key)
        except RateLimited:
            self.refused += 1
            raise
