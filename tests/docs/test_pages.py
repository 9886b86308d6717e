"""What the documentation shows is true: its Python runs, its links lead somewhere."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from serving import serving, unmeasured

from baobab.adapters.postgres.database import Database

TOP = Path(__file__).parents[2]
PAGES = [TOP / "README.md", *sorted((TOP / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
SHELL = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#]+)[^)]*\)")


def python_of(page: Path) -> str:
    return "\n".join(BLOCK.findall(page.read_text()))


@pytest.mark.parametrize(
    "page", [page for page in PAGES if python_of(page)], ids=lambda page: str(page.relative_to(TOP))
)
def test_the_python_of_a_page_runs(page: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", python_of(page)],
        capture_output=True,
        env=unmeasured(),
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    missing = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert missing == []


@pytest.fixture
def demo(database_url: str, database: Database) -> Iterator[str]:
    """Where a server with the demo community listens."""
    with serving(database_url, "--demo") as address:
        yield address


def test_the_tour_of_the_readme_goes_as_it_says(demo: str) -> None:
    tour = "\n".join(SHELL.findall((TOP / "README.md").read_text()))
    local = tour.replace("http://127.0.0.1:8000", demo)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", local], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    promised = [line.rpartition("#")[2].split(":")[0].strip() for line in tour.splitlines() if " # " in line]
    said = done.stdout.splitlines()
    for word in (one for one in promised if one.isdigit() or (one.islower() and " " not in one)):
        assert word in said, (word, said)
        said = said[said.index(word) + 1 :]


def test_there_is_python_to_run() -> None:
    assert python_of(TOP / "docs" / "tutorial.md").count("asyncio.run(") == 4
