"""The rules of the house that an import contract cannot say, each seen to catch a planted violation."""

import ast
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

WITHOUT_ADAPTER: dict[tuple[str, str], str] = {}
"""(adapter, context): why this context keeps nothing there."""

IMPURE_CALLS = {"input", "now", "open", "print", "today", "utcnow", "uuid1", "uuid4", "uuid6", "uuid7"}
IMPURE_MODULES = {
    *("asyncio", "io", "logging", "multiprocessing", "os", "pathlib", "random", "secrets", "select"),
    *("signal", "socket", "ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib"),
}


Nodes = list[ast.AST]
"""Everything that stands in a module."""


def nodes_of(code: str) -> Nodes:
    return list(ast.walk(ast.parse(code)))


def imports(nodes: Nodes) -> Iterator[str]:
    """The modules named in full: `a.b` for `import a.b` and for `from a import b`."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def top(module: str) -> str:
    return module.partition(".")[0]


def mocks(nodes: Nodes) -> set[str]:
    """A port has an adapter for tests: nothing is patched."""
    fixtures = {node.arg for node in nodes if isinstance(node, ast.arg)} & {"mocker"}
    return fixtures | {name for name in imports(nodes) if f"{name}.".startswith(("unittest.mock.", "mock."))}


def impure_calls(nodes: Nodes) -> set[str]:
    """Time, ids and chance arrive as arguments."""
    called = [node.func for node in nodes if isinstance(node, ast.Call)]
    return {getattr(name, "attr", getattr(name, "id", "")) for name in called} & IMPURE_CALLS


def impure_modules(nodes: Nodes) -> set[str]:
    """No clock, no chance, no input, no output."""
    return {name for name in imports(nodes) if top(name) in IMPURE_MODULES}


def libraries(nodes: Nodes) -> set[str]:
    """Nothing but the standard library; that only shared.py names msgspec is an import contract."""
    return {name for name in imports(nodes) if top(name) not in {*sys.stdlib_module_names, "msgspec"}}


def own_name(nodes: Nodes) -> set[str]:
    """Inside `src` imports are relative, and nobody there needs the migrations as a module."""
    relative = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.level]
    migrations = {f"{node.module or ''}.{alias.name}" for node in relative for alias in node.names}
    found = {name for name in imports(nodes) if top(name) == "baobab"}
    return found | {
        name for name in migrations if name.split(".")[0] == "migrations" or name == ".migrations"
    }


def more_than_adapters(nodes: Nodes) -> set[str]:
    """The history of the schema knows the schema, not the rules or the edges."""
    own = {name for name in imports(nodes) if top(name) == "baobab"}
    return {name for name in own if not name.startswith("baobab.adapters.")}


RULES: list[tuple[str, Callable[[Nodes], set[str]], str]] = [
    ("src", mocks, "from unittest import mock"),
    ("tests", mocks, "from unittest.mock import patch"),
    ("tests", mocks, "def test_it(mocker): ..."),
    ("src/domain", impure_calls, "at = datetime.now(UTC)"),
    ("src/domain", impure_calls, "id = uuid4()"),
    ("src/domain", impure_modules, "import random"),
    ("src/domain", impure_modules, "from time import monotonic"),
    ("src/domain", libraries, "from pydantic import BaseModel"),
    ("src", own_name, "from baobab.domain import points"),
    ("src", own_name, "from ... import migrations"),
    ("src", own_name, "from ..migrations import env"),
    ("migrations", more_than_adapters, "from baobab.domain import points"),
]


@pytest.mark.parametrize("folder", sorted({folder for folder, _, _ in RULES}))
def test_the_rules_of_the_house_are_kept(folder: str) -> None:
    rules = {rule for place, rule, _ in RULES if place == folder}
    files = sorted((ROOT / folder).rglob("*.py"))
    found = []
    for file in files:
        nodes = nodes_of(file.read_text())
        found += [(file.relative_to(ROOT), names) for rule in rules if (names := rule(nodes))]
    assert files
    assert found == []


@pytest.mark.parametrize(("folder", "rule", "planted"), RULES)
def test_a_rule_of_the_house_catches_what_is_planted(
    folder: str, rule: Callable[[Nodes], set[str]], planted: str
) -> None:
    assert rule(nodes_of(planted))


def test_a_context_has_one_name_in_the_application_and_in_both_adapters() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    order = next(contract["layers"] for contract in contracts if contract["name"].startswith("Contexts"))
    contexts = {layer.strip("()") for layer in order}
    written = {path.stem for path in (ROOT / "src" / "application").glob("*")} & contexts
    adapters = {
        name: {path.stem for path in (ROOT / "src" / "adapters" / name).glob("*")}
        for name in ("memory", "postgres")
    }
    absent = {(name, context) for name, there in adapters.items() for context in written - there}
    assert absent == set(WITHOUT_ADAPTER)


@pytest.mark.parametrize("root", ["src", "migrations"])
def test_every_folder_of_modules_is_a_package(root: str) -> None:
    """A folder without `__init__.py` escapes the wheel, the type checker and the contracts."""
    folders = {file.parent for file in (ROOT / root).rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


SECRET_NAMES = ("hash", "secret", "token", "signature", "password", "otp", "recovery")
NO_SECRET = {
    "src/domain/points/": "the chain of postings and the seals are published: no hash is a secret",
    "src/adapters/postgres/points/audit.py": "the same, compared by the database",
    "src/entrypoints/demo/": "the demo's passwords are printed",
}
"""Where names of that kind are compared by `==` and may be: why."""


def named(node: ast.expr) -> str:
    """The last name of an expression: `hash` of `proof.seal.hash()`."""
    while isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def secret_comparisons(nodes: Nodes) -> set[str]:
    """What looks like a secret and is compared in a time that tells how much of it was right."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Compare) and any(isinstance(one, ast.Eq | ast.NotEq) for one in node.ops):
            names = [named(one) for one in (node.left, *node.comparators)]
            others = [one for one in (node.left, *node.comparators) if isinstance(one, ast.Constant)]
            found |= {one for one in names if not others and one.lower().rpartition("_")[2] in SECRET_NAMES}
    return found


def test_secrets_are_compared_in_constant_time() -> None:
    found = {}
    for path in sorted((ROOT / "src").rglob("*.py")):
        place = path.relative_to(ROOT).as_posix()
        if not place.startswith(tuple(NO_SECRET)) and (
            names := secret_comparisons(nodes_of(path.read_text()))
        ):
            found[place] = names
    assert found == {}, "use hmac.compare_digest"


@pytest.mark.parametrize(
    "planted",
    ["found.token_hash == digest", "digest_of(x) != row.secret", "a.password == b", "sent.signature(x) == y"],
)
def test_a_planted_comparison_of_secrets_is_caught(planted: str) -> None:
    assert secret_comparisons(nodes_of(planted))


def test_comparing_with_what_is_written_in_the_code_is_no_such_comparison() -> None:
    assert secret_comparisons(nodes_of("token == ''")) == set()
