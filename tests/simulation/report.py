"""What a simulation says: of each seed that went wrong, and of all together."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from .asking import Totals


@dataclass
class Failure:
    """A seed in which the product did what the rules do not say, and what came before."""

    seed: int
    what: str
    steps: list[str]

    def __str__(self) -> str:
        steps = "\n".join(f"    {step}" for step in self.steps)
        return f"seed {self.seed}: VIOLATION\n{steps}\n  {self.what}\n  again: --seed {self.seed}"


@dataclass
class Report:
    """The totals of some seeds."""

    seeds: int = 0
    totals: Totals = field(default_factory=Totals)
    failures: list[Failure] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, other: "Report") -> None:
        self.seeds += other.seeds
        self.totals.add(other.totals)
        self.failures += other.failures
        self.seconds = max(self.seconds, other.seconds)

    def as_line(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_line(cls, line: str) -> "Report":
        told = json.loads(line)
        failures = [Failure(**one) for one in told.pop("failures")]
        return cls(**told | {"totals": Totals(**told["totals"]), "failures": failures})

    def as_json(self) -> str:
        return json.dumps(self.figures() | {"failures": [asdict(one) for one in self.failures]}, indent=2)

    def figures(self) -> dict[str, Any]:
        told = self.totals
        return {
            "seeds": self.seeds,
            "rounds checked": told.checks,
            "commands run": told.commands,
            "refused": told.refused,
            "retried": told.retried,
            "found done, asked again": told.recovered,
            "answered from the log": told.replayed,
            "servers killed": told.kills,
            "clients killed": told.crashes,
            "acknowledged writes": told.acknowledged,
            "acknowledged writes lost": told.lost,
            "violations": len(self.failures),
            "seconds": round(self.seconds, 1),
        }

    def __str__(self) -> str:
        lines = [str(one) for one in self.failures]
        lines += [f"{name:<26}{value:>12,}" for name, value in self.figures().items()]
        return "\n".join(lines)
