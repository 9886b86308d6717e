"""Who may ask what is written in one page, and the routes and the use cases say the same."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from authorisation import (
    OPERATIONS,
    PAGE,
    WHO,
    WHOSE,
    app,
    declared,
    handlers,
    use_cases_of,
    written,
    written_outside,
    written_raises,
)

from baobab.application.kinds import KINDS
from baobab.application.work import ANYONE

SOURCES = Path(__file__).parents[2] / "src"


def test_every_operation_is_written_and_what_is_written_is_there() -> None:
    missing = [str(declared(name)) for name in OPERATIONS.keys() - written().keys()]
    assert not missing, f"Write into {PAGE.name}, with `whose` and `what` said:\n" + "\n".join(missing)
    gone = sorted(written().keys() - OPERATIONS.keys())
    assert not gone, f"These operations are gone: take them out of {PAGE.name}: {', '.join(gone)}"


@pytest.mark.parametrize("operation", sorted(OPERATIONS.keys() & written().keys()))
def test_the_routes_and_their_use_cases_say_what_is_written(operation: str) -> None:
    line, said = written()[operation], declared(operation)
    assert (line.request, line.who, line.scope) == (said.request, said.who, said.scope), (
        f"{PAGE.name} says {line}, the route and its use cases say {said}"
    )
    assert set(OPERATIONS[operation][2]["x-roles"]) == line.allow
    assert ({} in OPERATIONS[operation][2]["security"]) == (line.allow == ANYONE)


@pytest.mark.parametrize("operation", sorted(OPERATIONS.keys()))
def test_every_handler_goes_through_a_use_case_that_allows_the_same(operation: str) -> None:
    """One that lets more people in than its use cases do must be for whoever knows a secret, or for who
    begins to be somebody."""
    handler = handlers()[operation]
    reached = use_cases_of(handler.fn)
    assert reached, f"{operation} names no use case: whatever it does, nobody asks who may"
    line = written().get(operation)
    if line is None or (line.who == "anyone" and line.whose in ("a secret", "oneself")):
        return
    allowed = {one.name: sorted(one.allow) for one in reached}
    assert any(one.allow == handler.opt["allow"] for one in reached), (
        f"the route of {operation} allows {line.who}, none of its use cases does: {allowed}"
    )


def test_the_page_uses_the_words_that_it_explains() -> None:
    things = {kind.name for kind in KINDS} | {""}
    for line in written().values():
        assert line.who in WHO, f"{line.operation}: who is one of {', '.join(WHO)}"
        assert line.whose in WHOSE, f"{line.operation}: whose is one of {', '.join(WHOSE)}"
        assert line.thing in things, f"{line.operation}: what is a table, {line.thing} is none"
        named = line.whose in ("one's own", "one's producer's", "one's own or one's producer's")
        assert not named or line.thing, f"{line.operation}: of what table is the thing that is {line.whose}?"


def test_what_is_served_outside_of_the_operations_is_written_with_its_reason() -> None:
    outside = {route.path_format for route in app().routes if not route.path_format.startswith("/v1/")}
    assert outside == written_outside().keys()
    assert all(written_outside().values())


def raising() -> Iterator[str]:
    """The functions of the product that make an actor act in a role: `role="service"` and the like."""
    for path in (*SOURCES.glob("application/**/*.py"), *SOURCES.glob("entrypoints/http/**/*.py")):
        name = ".".join(path.relative_to(SOURCES).with_suffix("").parts).removesuffix(".__init__")
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and _raises(function):
                yield f"{name}.{function.name}"


def _raises(function: ast.AST) -> bool:
    """Whether a function changes an actor's role, or makes an actor of another role than a member's own."""
    for call in ast.walk(function):
        if not isinstance(call, ast.Call):
            continue
        called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        about = ast.unparse(call.args[0]) if call.args else ""
        roles = [word for word in call.keywords if word.arg == "role"]
        if roles and (called == "Actor" or (called == "evolve" and "actor" in about)):
            return True
    return False


def test_who_acts_with_more_rights_than_who_asks_is_written_with_its_reason() -> None:
    found, said = set(raising()), written_raises().keys()
    assert found <= said, f"write into {PAGE.name} why these may act as somebody else: {found - said}"
    assert said <= found, f"take out of {PAGE.name}, they do so no more: {said - found}"
    assert all(written_raises().values())
