"""The benchmark runs on a machine that has nothing but this project, and leaves nothing behind."""

import json
import subprocess
import sys
from pathlib import Path

HOUSE = Path(__file__).parents[2]


def test_a_quick_benchmark_measures_everything_adds_up_and_cleans_up(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--json"],
        check=False,
        capture_output=True,
        cwd=HOUSE,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)},
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["machine"]["fsync"] == found["machine"]["synchronous_commit"] == "on"
    assert all(
        figure["rate"] > 0 and figure["p99"] >= figure["p50"] > 0 for figure in found["figures"].values()
    )
    assert all(ratio["is"] > 0 for ratio in found["ratios"])
    assert [chore["done"] for chore in found["chores"]] == [
        "500 lots of 100 accounts",
        "5,000 postings of 100 accounts, 0 findings",
    ]
    books = found["books"]
    assert books["accounts"] == 201
    assert books["postings"] > books["accounts"], "something was spent"
    assert books["wrong_accounts"] == books["wrong_lots"] == books["unsaid"] == 0
    assert list(tmp_path.iterdir()) == []


def test_a_quick_overload_is_answered_and_told(tmp_path: Path) -> None:
    """Whether memory stays and calm returns shows only a minute of it."""
    run = subprocess.run(
        [sys.executable, "-m", "bench.overload", "--usual", "1", "--seconds", "2"],
        check=False,
        capture_output=True,
        cwd=HOUSE,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)},
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    storm = found["phases"][1]
    assert storm["offered_a_second"] == 10 * found["carries"] > 0
    assert set(storm["statuses"]) <= {"200", "201", "503"}
    assert all(phase["statuses"]["200"] > 0 and not phase["without_retry_after"] for phase in found["phases"])
    assert len(found["memory"]) >= 4
    books = found["books"]
    assert books["wrong_accounts"] == books["wrong_lots"] == books["unsaid"] == 0
    assert list(tmp_path.iterdir()) == []
