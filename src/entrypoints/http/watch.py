"""What the service says of itself: counts and times of its requests, its queues, its logs of requests.

Counted in plain numbers, which costs less than a microsecond a request; `prometheus_client` reads them when
somebody asks, and writes them down.
"""

import logging
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Any

import litestar
from litestar import Request, Response
from prometheus_client import CollectorRegistry, exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ...domain import shared
from ..values import networks_of
from .addresses import is_in, parsed

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds. The last one is without an end."""
NOWHERE = "none"
"""The operation of what was refused before it was known, or has no such address."""

log = logging.getLogger("baobab.requests")


class Watch:
    """The requests so far, by operation and status, and how long they took."""

    def __init__(self, *, logs: bool = False) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.times: dict[str, list[int]] = {}
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._logs = logs
        self._names: dict[Any, str] = {}

    def see(self, scope: Any, seconds: float) -> None:
        """Count a request that was answered (0: nobody was there to hear the answer), and log it if asked to:
        its operation in place of its path, no parameter, no address, nothing that was sent."""
        operation = self._name_of(scope.get("route_handler"))
        status = scope["state"].get("status", 0)
        self.requests[operation, status] += 1
        times = self.times.get(operation)
        if times is None:
            times = self.times[operation] = [0] * (len(BUCKETS) + 1)
        times[bisect_left(BUCKETS, seconds)] += 1
        self.seconds[operation] += seconds
        if self._logs:
            facts = {"method": scope["method"], "operation": operation, "status": status}
            log.info("request", extra={"facts": {**facts, "milliseconds": round(seconds * 1_000, 1)}})

    def _name_of(self, handler: Any) -> str:
        if handler is None:
            return NOWHERE
        if handler not in self._names:
            self._names[handler] = str(getattr(handler, "operation_id", None) or handler.handler_name)
        return self._names[handler]


class Figures(Collector):
    """Everything that is counted, as Prometheus reads it."""

    def __init__(self, state: Any) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        yield from self._requests(self._state.door.watch)
        for name, (what, value) in _gauges(self._state).items():
            yield GaugeMetricFamily(f"baobab_{name}", what, value=value)
        for name, (what, value) in _counts(self._state).items():
            yield CounterMetricFamily(f"baobab_{name}", what, value=value)

    def _requests(self, watch: Watch) -> Iterable[Metric]:
        counts = CounterMetricFamily("baobab_requests", "Requests answered.", labels=("operation", "status"))
        for (operation, status), count in sorted(watch.requests.items()):
            counts.add_metric((operation, str(status)), count)
        times = HistogramMetricFamily("baobab_request_seconds", "How long they took.", labels=("operation",))
        for operation, single in sorted(watch.times.items()):
            ends = [*map(str, BUCKETS), "+Inf"]
            buckets = list(zip(ends, accumulate(single), strict=True))
            times.add_metric((operation,), buckets, watch.seconds[operation])
        return counts, times


def _gauges(state: Any) -> dict[str, tuple[str, float]]:
    runner, pool = state.runner, state.database.standing()
    return {
        "requests_inside": ("Requests that are being answered.", state.door.inside),
        "commands_waiting": ("Commands that wait for a batch.", runner.waiting),
        "batches_under_way": ("Batches that are loaded, decided or written.", runner.under_way),
        "connections_open": ("Connections to the database.", pool.open),
        "connections_busy": ("Those in use.", pool.busy),
        "connections_awaited": ("Who waits for one.", pool.waiting),
        "passwords_waiting": (
            "Passwords that are hashed, or wait to be.",
            getattr(state.secrets, "waiting", 0),
        ),
    }


def _counts(state: Any) -> dict[str, tuple[str, float]]:
    return {
        "batches": ("Batches of commands, each one transaction.", state.runner.batches),
        "commands": ("Commands that ran in them, tries included.", state.runner.attempts),
        "rate_limited": ("Requests refused as too many.", state.door.limits.refused),
    }


@litestar.get("/metrics", include_in_schema=False)
async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Figures for Prometheus, told to the networks that may ask. Raises NotFound for others, and for whoever
    comes by a proxy that is not listed: its own address says nothing of theirs."""
    state = request.app.state
    address = request.scope["state"]["address"]
    allowed = networks_of(state.settings.metrics_from)
    is_outside = parsed(address) is not None and not is_in(address, allowed)
    if is_outside or not state.door.addresses.is_sure(request.scope):
        raise shared.NotFound(kind="address", id="/metrics")
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures(state))
    write: Callable[[CollectorRegistry], bytes] = exposition.generate_latest
    return Response(write(registry), media_type=exposition.CONTENT_TYPE_LATEST)
