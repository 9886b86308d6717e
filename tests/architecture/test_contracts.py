"""Each import contract is kept by the code as it stands, and catches the violation planted for it."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS: dict[str, Any] = {
    contract["name"]: contract for contract in CONFIG["tool"]["importlinter"]["contracts"]
}

LAYERS = "Layers: entrypoints, adapters, application, domain"
DOMAIN_ORDER = "Contexts of the domain call down"
APPLICATION_ORDER = "Contexts of the application call down"
ADAPTERS_ORDER = "Contexts of the adapters call down"
DOMAIN_LIBRARIES = "The domain is pure Python: only domain.shared names msgspec"
APPLICATION_LIBRARIES = "The application knows no framework, driver or server"
CONTAINER = "Only the entrypoints import the container"

PLANTED = [
    (LAYERS, "domain/shared.py", "from .. import application"),
    (LAYERS, "application/__init__.py", "from .. import adapters"),
    (LAYERS, "adapters/__init__.py", "from .. import entrypoints"),
    (LAYERS, "adapters/__init__.py", "from ..entrypoints import container"),
    (LAYERS, "stray.py", ""),
    (DOMAIN_ORDER, "domain/identity.py", "from .. import fulfillment"),
    (DOMAIN_ORDER, "domain/shared.py", "from . import identity"),
    (DOMAIN_ORDER, "domain/fulfillment.py", "from .. import privacy"),
    (DOMAIN_ORDER, "domain/stray.py", ""),
    (APPLICATION_ORDER, "application/identity.py", "from .. import fulfillment"),
    (APPLICATION_ORDER, "application/work.py", "from .. import runner"),
    (APPLICATION_ORDER, "application/runner.py", "from . import identity"),
    (APPLICATION_ORDER, "application/audit.py", "from . import privacy"),
    (APPLICATION_ORDER, "application/work.py", "from .. import trail"),
    (APPLICATION_ORDER, "application/marks.py", "from . import work"),
    (APPLICATION_ORDER, "application/stray.py", ""),
    (ADAPTERS_ORDER, "adapters/memory/identity.py", "from .. import fulfillment"),
    (ADAPTERS_ORDER, "adapters/postgres/identity.py", "from .. import fulfillment"),
    (ADAPTERS_ORDER, "adapters/postgres/audit.py", "from . import privacy"),
    (DOMAIN_LIBRARIES, "domain/identity.py", "import msgspec"),
    (DOMAIN_LIBRARIES, "domain/identity.py", "import sqlalchemy"),
    (APPLICATION_LIBRARIES, "application/identity.py", "from litestar import get"),
    (APPLICATION_LIBRARIES, "application/work.py", "import asyncpg"),
    (CONTAINER, "application/identity.py", "from dependency_injector import containers"),
    (CONTAINER, "adapters/postgres/identity.py", "from dependency_injector import containers"),
]


def copy(folder: Path) -> Path:
    """A copy of `src` under the name that it is imported by."""
    return Path(
        shutil.copytree(ROOT / "src", folder / "baobab", ignore=shutil.ignore_patterns("__pycache__"))
    )


def module(package: Path, name: str) -> Path:
    """The file of a module, made empty (its packages too) where the context is not written yet."""
    file = package / name
    if file.with_suffix("").is_dir():
        return file.with_suffix("") / "__init__.py"
    file.parent.mkdir(exist_ok=True)
    (file.parent / "__init__.py").touch()
    file.touch()
    return file


def plant(package: Path, name: str, line: str) -> None:
    """Add the line to the module; what it imports from beside or above exists afterwards."""
    planted = module(package, name)
    with planted.open("a") as file:
        file.write(f"\n{line}\n")
    if found := re.fullmatch(r"from (\.+)(\w*) import (\w+)", line):
        dots, parent, imported = found.groups()
        target = planted.parents[len(dots) - 1] / parent
        if not (target / imported).is_dir():
            module(package, str((target / imported).relative_to(package)) + ".py")


def lint(folder: Path) -> tuple[set[str], str]:
    """The names of the broken contracts, and everything that was printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(
        [
            Path(sys.executable).with_name("lint-imports"),
            f"--config={ROOT / 'pyproject.toml'}",
            "--no-cache",
            "--no-logo",
        ],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(folder), "COLUMNS": "1000"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    verdicts = dict(re.findall(r"^(.+?) (KEPT|BROKEN)\b", done.stdout, re.MULTILINE))
    assert set(verdicts) == set(CONTRACTS), done.stdout + done.stderr
    return {name for name, verdict in verdicts.items() if verdict == "BROKEN"}, done.stdout


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> tuple[set[str], str]:
    """What the linter says of the code as it stands."""
    folder = tmp_path_factory.mktemp("standing")
    copy(folder)
    return lint(folder)


def test_the_code_as_it_stands_keeps_every_contract(standing: tuple[set[str], str]) -> None:
    broken, printed = standing
    assert not broken, printed


@pytest.mark.parametrize(("contract", "name", "line"), PLANTED)
def test_a_planted_violation_breaks_its_contract_and_no_other(
    tmp_path: Path, standing: tuple[set[str], str], contract: str, name: str, line: str
) -> None:
    plant(copy(tmp_path), name, line)
    broken, printed = lint(tmp_path)
    assert broken == standing[0] | {contract}, printed


def test_every_contract_has_a_planted_violation() -> None:
    assert {contract for contract, _, _ in PLANTED} == set(CONTRACTS)


def test_the_domain_is_forbidden_every_dependency() -> None:
    """A library that is added to the dependencies is closed to the domain at once."""
    found = {(module, normal(name)) for module, names in packages_distributions().items() for name in names}
    named = {re.split(r"[^\w-]", line)[0] for line in CONFIG["project"]["dependencies"]}
    modules = {name: {module for module, other in found if other == normal(name)} for name in named}
    assert all(modules.values()), modules
    public = {module for group in modules.values() for module in group if not module.startswith("_")}
    assert public <= set(CONTRACTS[DOMAIN_LIBRARIES]["forbidden_modules"])


def normal(distribution: str) -> str:
    """The one spelling of a distribution's name."""
    return distribution.replace("-", "_").lower()


@pytest.mark.parametrize("higher", [APPLICATION_ORDER, ADAPTERS_ORDER])
def test_contexts_have_one_order_in_every_layer(higher: str) -> None:
    contexts = CONTRACTS[DOMAIN_ORDER]["layers"][:-1]
    layers = [layer.strip("()") for layer in CONTRACTS[higher]["layers"]]
    assert [layer for layer in layers if layer in contexts] == contexts
