"""The demo community in memory, as a walk over every operation needs it: everybody who may come along, what
they could aim at, and a state that is put back after every step.

What is aimed at is found by name: `order_id` is the `id` of a record of the kind `order`, and a record brings
along the other ids that it has. So a new operation needs no word here.
"""

import asyncio
import copy
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, cast
from uuid import UUID, uuid4

import httpx
import msgspec
from authorisation import OPERATIONS, Line, written
from besieged import Aim
from dependency_injector import providers

from baobab.adapters.memory.storage import MemoryStorage
from baobab.application import identity
from baobab.application.identity import LOGINS, MEMBERS, SESSIONS, Token
from baobab.application.kinds import KINDS
from baobab.application.runner import Runner
from baobab.application.work import Kind
from baobab.domain import shared
from baobab.entrypoints.container import MemoryContainer
from baobab.entrypoints.demo import load
from baobab.entrypoints.demo.people import ADMIN, AMBASSADEUR, EXPLORATEUR, PARTNER, PROTECTEUR
from baobab.entrypoints.http.app import build
from baobab.entrypoints.program import OPERATOR
from baobab.entrypoints.secret import Secret
from baobab.entrypoints.settings import Settings
from builders import Clock

BY_NAME: dict[str, Kind[Any]] = {kind.name: kind for kind in KINDS}
State = dict[Kind[Any], dict[tuple[object, ...], Any]]
OF_THE_HOUSE = ("category", "product", "variant", "project", "producer", "batch")
"""What belongs to nobody: the ids that a body or path may need beside what is aimed at."""
ALSO = {"api_key": "key_id", "posting": "debit_id", "kyc_check": "check_id", "investment": "contribution_id"}
"""Another name by which a body names such a thing."""
ONLY: dict[str, Callable[[Any], bool]] = {"posting": lambda posting: posting.amount < 0}
"""Which things of a kind can be aimed at, where that are not all."""


class Visitor(NamedTuple):
    """Somebody who asks: under which name, with which credential, as whom. Without a role the credential is
    good for nothing; `scopes` None is everything."""

    name: str
    headers: dict[str, str]
    role: shared.Role | None = "anonymous"
    user_id: UUID = shared.NOBODY
    producer_id: UUID | None = None
    scopes: tuple[str, ...] | None = None

    @property
    def is_admin(self) -> bool:
        return self.role in ("admin", "service")

    def owns(self, line: Line, record: Any) -> bool:
        """Whether a thing is theirs, as the matrix counts it."""
        own = getattr(record, "user_id", None) == self.user_id
        producers = self.producer_id is not None and _producer_of(record) == self.producer_id
        return {
            "one's own": own,
            "one's own alone": own,
            "one's producer's": producers,
            "one's own or one's producer's": own or producers,
        }.get(line.whose, True)

    def refusal(self, line: Line, record: Any) -> int | None:
        """The status that the matrix says they are refused with; None where they are not."""
        if self.role is None:
            return 401
        if self.role not in line.allow:
            return 401 if self.role == "anonymous" else 403
        if self.scopes is not None and line.scope and not set(line.scope.split(", ")) <= set(self.scopes):
            return 403
        everything = self.is_admin and line.whose != "one's own alone"
        return None if everything or self.owns(line, record) else 404


def _producer_of(record: Any) -> UUID | None:
    found: UUID | None = (
        record.id if type(record).__name__ == "Producer" else getattr(record, "producer_id", None)
    )
    return found


class Answer(NamedTuple):
    """What came back, and what was asked."""

    status: int
    text: str
    asked: str


class Walk:
    """The community, its visitors, and the way to put everything back."""

    def __init__(self, client: httpx.AsyncClient, storage: MemoryStorage, run: Runner) -> None:
        self._client, self.storage, self._run = client, storage, run
        self.visitors: list[Visitor] = []
        self._kept = self.state()

    # --- who comes ------------------------------------------------------------------------------

    def member(self, email: str) -> Any:
        login = self.storage.find(LOGINS.key("email", email))
        assert login is not None, email
        return self.storage.find(MEMBERS.key(login.user_id))

    async def session(self, email: str) -> tuple[dict[str, str], UUID]:
        """The headers of a session of somebody, and its id."""
        who = self.member(email).user_id
        token = Token(who, self._run.new_id(), uuid4().bytes * 2)
        command = identity.OpenSession(user_id=who, session_id=token.session_id, token_hash=token.digest())
        await self._run(identity.open_session, command, actor=OPERATOR)
        return {"Authorization": f"Bearer {token.text()}"}, token.session_id

    async def come(self, name: str, email: str) -> Visitor:
        """Somebody who is signed in."""
        headers, _ = await self.session(email)
        who = self.member(email)
        self.visitors.append(Visitor(name, headers, who.role, who.user_id, who.producer_id))
        return self.visitors[-1]

    async def give_role(self, email: str, role: Any, producer_id: UUID) -> None:
        command = identity.SetRole(user_id=self.member(email).user_id, role=role, producer_id=producer_id)
        await self._run(identity.set_role, command, actor=OPERATOR)

    def put(self, record: Any, **changes: Any) -> None:
        """Change a record behind everybody's back."""
        kind = Kind.of[type(record)]
        self.storage._records[kind][kind.values_of(record)] = shared.evolve(record, **changes)

    # --- what is there --------------------------------------------------------------------------

    def state(self) -> State:
        return {kind: dict(records) for kind, records in self.storage._records.items() if records}

    def keep(self) -> None:
        """What is there now is what `put_back` puts back."""
        self._kept = self.state()
        self._groups = {group: set(keys) for group, keys in self.storage._groups.items()}

    def is_changed(self) -> bool:
        return self.state() != self._kept

    def put_back(self) -> None:
        if self.is_changed():
            self.storage._records = {kind: dict(records) for kind, records in self._kept.items()}
            self.storage._groups = {group: set(keys) for group, keys in self._groups.items()}
            self._run._kept.forget()

    def owned_by(self, user_id: UUID) -> dict[tuple[str, tuple[object, ...]], Any]:
        """Every record of a member, by table and key."""
        return {
            (kind.name, key): record
            for kind, records in self.storage._records.items()
            for key, record in records.items()
            if getattr(record, "user_id", None) == user_id
        }

    def things(self, line: Line) -> list[Any]:
        """What an operation can be aimed at, one of each state first; [None] where it names nothing."""
        if not line.thing:
            return [None]
        seen: Counter[Any] = Counter()
        ranked = []
        for record in self.storage.all(BY_NAME[line.thing], ONLY.get(line.thing, bool)):
            state = (
                getattr(record, "status", getattr(record, "state", None)),
                getattr(record, "user_id", None),
            )
            seen[state] += 1
            ranked.append((seen[state], record))
        return [record for _, record in sorted(ranked, key=lambda one: one[0])]

    def aim(self, record: Any) -> Aim:
        """The ids that lead to a record, and a few of the house that go with it."""
        found: Aim = {}
        for name in OF_THE_HOUSE:
            found.update(_ids_of(self.storage.all(BY_NAME[name])[0]))
        return found if record is None else found | _ids_of(record)

    # --- asking ---------------------------------------------------------------------------------

    async def ask(self, visitor: Visitor, operation: str, record: Any, **more: Any) -> Answer:
        method, path, described = OPERATIONS[operation]
        own = {} if record is None else _ids_of(record)
        aim = self.aim(record)
        queries = [one for one in described.get("parameters", ()) if one["in"] == "query"]
        parts = (aim.get(one[1:-1], TODAY) if one[:1] == "{" else one for one in path.split("/"))
        body = msgspec.json.encode(_body(operation, aim) | more) if "requestBody" in described else b""
        answer = await self._client.request(
            method,
            "/".join(parts),
            params=_query(queries, own),
            content=body,
            headers={**visitor.headers, **(JSON if body else {}), "Idempotency-Key": str(uuid4())},
        )
        return Answer(answer.status_code, answer.text, f"{method} {answer.request.url} {body.decode()}")

    async def have_done(self, visitor: Visitor, operation: str) -> bool:
        """Whether somebody could do something with anything, the newest first."""
        for record in reversed(self.storage.all(BY_NAME[written()[operation].thing])):
            if (await self.ask(visitor, operation, record)).status in (200, 201):
                return True
        return False


TODAY = "2026-03-02"
JSON = {"Content-Type": "application/json"}
WISHES: dict[str, dict[str, Any]] = {
    "identity_sign_in": {"email": EXPLORATEUR, "password": "demo-member-1"},
    "identity_make_key": {
        "scopes": ["points:read"],
        "acts_as": "owner",
        "expires_at": None,
    },
    "points_give": {"recipient": "member-9@example.org"},
}
"""What a body says that no example can know."""


def _query(parameters: list[dict[str, Any]], own: Aim) -> Aim:
    """The ids of what is aimed at, and the first word that is allowed where a parameter must be there."""
    found = {one["name"]: own[one["name"]] for one in parameters if one["name"] in own}
    for one in parameters:
        if one.get("required") and one["name"] not in found:
            found[one["name"]] = one["schema"].get("enum", ["text"])[0]
    return found


def _ids_of(record: Any) -> Aim:
    """The ids that a record has, its own under the name of its kind."""
    kind = Kind.of[type(record)]
    found = {
        name: str(value)
        for name in record.__struct_fields__
        if isinstance(value := getattr(record, name), UUID)
        or name in (*kind.key_fields, "number", "version", "day")
    }
    if kind.name in ALSO:
        found.setdefault(ALSO[kind.name], found["id"])
    return {(f"{kind.name}_id" if name == "id" else name): value for name, value in found.items()}


def _body(operation: str, aim: Aim) -> Any:
    """The documented example of a body, with the ids and the version that are aimed at, and what must be
    unique not yet taken."""
    content = OPERATIONS[operation][2]["requestBody"]["content"]["application/json"]
    example = content.get("examples", {}).get("example", {}).get("value", {})
    body = _aimed(copy.deepcopy(example), aim)
    return body | WISHES.get(operation, {})


def _aimed(value: Any, aim: Aim) -> Any:
    if isinstance(value, dict):
        return {name: _value(name, part, aim) for name, part in value.items()}
    return [_aimed(part, aim) for part in value] if isinstance(value, list) else value


def _value(name: str, part: Any, aim: Aim) -> Any:
    if name == "version" and "version" in aim:
        return int(aim["version"])
    if name in ("slug", "sku"):
        return f"fresh-{uuid4().hex}"
    if name == "email":
        return f"{uuid4()}@example.org"
    if name == "in_force_at":
        return (datetime.now(UTC) + timedelta(days=30)).isoformat()
    if name in aim and isinstance(part, str):
        return aim[name]
    return _aimed(part, aim)


# --- setting out ----------------------------------------------------------------------------------


@asynccontextmanager
async def setting_out() -> AsyncIterator[Walk]:
    """The demo community, with everybody who may come along."""
    settings = Settings(rate_limits=False, secret_key=Secret("a key that is for tests and nothing else"))
    container, clock = MemoryContainer(settings=settings), Clock(datetime.now(UTC))
    container.clock.override(providers.Object(clock))
    await load(container)
    app = build(container)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(app.lifespan())
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        client = await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://walk")
        )
        walk = Walk(client, container.storage(), container.runner())
        await _people(walk)
        await _states(walk, clock)
        walk.visitors.clear()
        await _people(walk)  # again: sessions that were just opened are not noted as seen anew
        await _keys(walk)
        await container.gate().later.done()  # that they were used is noted now, once
        await _turned_away(walk)
        walk.keep()
        yield walk


async def _people(walk: Walk) -> None:
    """One visitor of every kind that the matrix tells apart."""
    right = walk.member(PARTNER).producer_id
    wrong = next(one.id for one in walk.storage.all(BY_NAME["producer"]) if one.id != right)
    for email, role, producer in (
        ("member-4@example.org", "partner_staff", right),
        ("member-5@example.org", "partner_staff", wrong),
        ("member-6@example.org", "partner_owner", wrong),
    ):
        await walk.give_role(email, role, producer)
    walk.visitors.append(Visitor("stranger", {}))
    for name, email in (
        ("owner", PROTECTEUR),
        ("another member", AMBASSADEUR),
        ("newcomer", EXPLORATEUR),
        ("partner owner", PARTNER),
        ("partner staff", "member-4@example.org"),
        ("another producer's staff", "member-5@example.org"),
        ("another producer's owner", "member-6@example.org"),
        ("administrator", ADMIN),
    ):
        await walk.come(name, email)


SOON = "soon"


async def _states(walk: Walk, clock: Clock) -> None:
    """What the demo lacks: a hold, an empty account and a closed one, another unit with its rate, a seal."""
    by_name = {one.name: one for one in walk.visitors}
    administrator = by_name["administrator"]
    owner, newcomer, another = (walk.member(one) for one in (PROTECTEUR, EXPLORATEUR, ADMIN))
    steps: tuple[tuple[str, Any, dict[str, Any]], ...] = (
        ("points_set_policy", None, {"unit": "pearls", "in_force_at": SOON}),
        ("points_set_rate", None, {"unit": "points", "to_unit": "pearls", "in_force_at": SOON}),
        ("points_earn", newcomer, {"funded": 3, "bonus": 0}),
        ("points_spend", newcomer, {"amount": 3}),
        ("points_earn", another, {"funded": 3, "bonus": 0}),
        ("points_spend", another, {"amount": 3}),
        ("points_close_account", another, {}),
        ("points_seal", None, {}),
        ("points_hold", owner, {"amount": 2}),
    )
    for operation, record, more in steps:
        soon = (clock.advance(hours=1) + timedelta(minutes=5)).isoformat()
        wish = {name: soon if value == SOON else value for name, value in more.items()}
        answer = await walk.ask(administrator, operation, record, **wish)
        assert answer.status in (200, 201), answer
    for name, operation in (
        ("administrator", "fulfillment_dispatch"),
        ("owner", "investments_invest"),
        ("owner", "investments_pay"),
    ):
        assert await walk.have_done(by_name[name], operation), operation
    for one in walk.storage.all(BY_NAME["subscription"]):
        walk.put(one, state="past_due", failures=1)


async def _keys(walk: Walk) -> None:
    """Programs: one that serves, and one of the owner's, each with a few scopes alone."""
    by_name = {one.name: one for one in walk.visitors}
    for maker, name, role, scopes in (
        ("administrator", "service", "service", ("inventory:read", "points:write")),
        ("owner", "owner's key", "member", ("points:read",)),
    ):
        who = by_name[maker]
        acts_as = "service" if role == "service" else "owner"
        answer = await walk.ask(
            who, "identity_make_key", None, scopes=scopes, acts_as=acts_as, name="Program"
        )
        assert answer.status == 201, answer
        headers = {"Authorization": f"Bearer {msgspec.json.decode(answer.text)['token']}"}
        visitor = Visitor(name, headers, cast("shared.Role", role), who.user_id, scopes=scopes)
        walk.visitors.append(visitor)
        await walk.ask(visitor, "identity_me", None)


async def _turned_away(walk: Walk) -> None:
    """Credentials of administrators that are good for nothing."""
    for name, changes in (
        ("revoked session", {"revoked_at": datetime.now(UTC) - timedelta(minutes=1)}),
        ("expired session", {"expires_at": datetime.now(UTC) - timedelta(minutes=1)}),
    ):
        headers, session_id = await walk.session(ADMIN)
        session = walk.storage.find(SESSIONS.key(walk.member(ADMIN).user_id, session_id))
        walk.put(session, **changes)
        walk.visitors.append(Visitor(name, headers, None))
    headers, _ = await walk.session("member-7@example.org")
    walk.put(walk.member("member-7@example.org"), status="suspended", role="admin")
    walk.visitors.append(Visitor("suspended administrator", headers, None))
    forged, _ = await walk.session(ADMIN)
    token = forged["Authorization"][:-8] + "AAAAAAA="
    walk.visitors.append(Visitor("forged token", {"Authorization": token}, None))


class Road:
    """A walk in an event loop of its own, for tests that are no coroutines."""

    def __init__(self) -> None:
        self._loop = asyncio.Runner()
        self._end = asyncio.Event()
        self.walk = self._loop.run(self._begin())

    async def _begin(self) -> Walk:
        ready: asyncio.Future[Walk] = asyncio.get_running_loop().create_future()
        self._way = asyncio.create_task(self._stay(ready))
        await asyncio.wait((ready, self._way), return_when=asyncio.FIRST_COMPLETED)
        return ready.result() if ready.done() else self._way.result()  # type: ignore[return-value]

    async def _stay(self, ready: asyncio.Future[Walk]) -> None:
        async with setting_out() as walk:
            ready.set_result(walk)
            await self._end.wait()

    def ask(self, visitor: Visitor, operation: str, record: Any) -> Answer:
        return self._loop.run(self.walk.ask(visitor, operation, record))

    def close(self) -> None:
        async def end() -> None:
            self._end.set()
            await self._way

        self._loop.run(end())
        self._loop.close()
