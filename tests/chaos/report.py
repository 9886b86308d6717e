"""What came of it."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from .asking import Tally
from .killing import Killer


@dataclass
class Report:
    seed: int
    clients: int
    asked_kills: int
    tally: Tally
    seconds: float = 0.0
    kills: Counter[str] = field(default_factory=Counter)
    recovered: dict[str, list[float]] = field(default_factory=dict)
    commands: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    repeated: int = 0
    read_again: int = 0
    verified: list[str] = field(default_factory=list)
    folder: str = ""
    """What is left to look at where something went wrong."""

    def note(self, killer: Killer) -> None:
        """What was killed, and how quickly it was back."""
        for kill in killer.done:
            self.kills[kill.target] += 1
            self.kills["while it started or recovered"] += kill.early
        self.recovered = {target: sorted(seconds) for target, seconds in killer.recovered.items()}

    @property
    def missed(self) -> int:
        """The kills for which there was no time."""
        return 2 * self.asked_kills - self.kills["server"] - self.kills["database"]

    @property
    def in_order(self) -> bool:
        return not self.lost and not self.tally.violations and not self.missed

    def figures(self) -> dict[str, Any]:
        tally = self.tally
        return {
            "seed": self.seed,
            "clients": self.clients,
            "seconds": round(self.seconds),
            "kills": dict(self.kills),
            "kills_without_time": self.missed,
            "seconds_until_answered": {target: _spread(one) for target, one in self.recovered.items() if one},
            "requests": sum(tally.requests.values()),
            "longest_request_seconds": round(tally.longest, 1),
            "answers": _by_action(tally.requests),
            "refusals": _by_action(tally.refusals),
            "acknowledged_writes": tally.acknowledged,
            "of_them": dict(self.commands),
            "sent_twice_at_once": tally.twins,
            "answered_after_asking_again": tally.asked_again,
            "found_done_then": tally.found_done,
            "repeated_at_the_end": self.repeated,
            "read_at_the_end": self.read_again,
            "verified": self.verified,
            "lost": self.lost,
            "violations": tally.violations,
            "folder": self.folder,
        }

    def as_json(self) -> str:
        return json.dumps(self.figures() | {"wrong": self.tally.wrong}, indent=2)

    def __str__(self) -> str:
        lines = [f"WRONG {one}" for one in self.tally.wrong]
        for name, value in self.figures().items():
            told = f"{value:,}" if isinstance(value, int) else value
            parts = (
                told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
            )
            lines.append(name.replace("_", " ") + ("" if parts else f": {told}"))
            lines += [f"    {key}: {_line(part)}" for key, part in parts]
        return "\n".join(lines)


def _line(part: Any) -> str:
    if isinstance(part, dict):
        return ", ".join(f"{key} {value:,}" for key, value in part.items())
    return f"{part:,}" if isinstance(part, (int, float)) else str(part)


def _spread(seconds: list[float]) -> dict[str, float]:
    """The middle, nearly the worst, and the worst, of so many."""
    places = {"median": len(seconds) // 2, "95 %": len(seconds) * 95 // 100, "most": len(seconds) - 1}
    return {"of": len(seconds)} | {name: round(seconds[place], 2) for name, place in places.items()}


def _by_action(counted: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (action, outcome), count in sorted(counted.items()):
        found.setdefault(action, {})[outcome] = count
    return found
