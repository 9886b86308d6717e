"""What becomes of what is stored of somebody: given to them as a whole, and gone when they are erased."""

import csv
import io
import json
import logging
import zipfile
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from investing import Investor, hives
from msgspec import inspect
from ordering import Market
from signing import PASSWORD, Signing

from baobab.adapters.memory.storage import MemoryStorage
from baobab.adapters.payments.sandbox import SandboxGateway
from baobab.application import identity, payments, points, privacy
from baobab.application.identity.profile import ReplaceProfile
from baobab.application.identity.profile import replace as replace_profile
from baobab.application.kinds import KINDS
from baobab.application.payments import inbox
from baobab.application.points import auditing
from baobab.application.privacy import HOUSE, Erase, NoteExport, Of, RowsOf
from baobab.application.trail import place_of
from baobab.application.work import HAPPENINGS, PRIVATE_PARTS, RUNS, Changes, Kind
from baobab.domain import shared
from baobab.domain.identity import MemberGone
from baobab.domain.privacy import Erasure, GroundsNeeded, MemberBound, SignInAgain, rule_of
from baobab.entrypoints.program import OPERATOR
from builders import World, filled

EMAIL, NAME, PHONE = "marker-email@example.org", "Marker Name", "+32470555123"
STREET, BORN, PLACE = "Rue du Marqueur 7", date(1977, 7, 7), "198.51.100.77"
HOME = shared.Address(STREET, "Marqueville", "7777", "BE")
MARKERS = ("marker", "Marker", "Marqueur", "Marqueville", "555123", "1977, 7, 7", "1977-07-07", PLACE)
HERE = shared.Actor(address=PLACE)


class Life:
    """A member who signed up, told who they are, invested, ordered, was refunded and rated a delivery."""

    def __init__(self, world: World) -> None:
        self.world, self.signing = world, Signing(world)
        self.actor = shared.Actor()

    @classmethod
    async def of(cls, world: World) -> "Life":
        life = cls(world)
        await life.come_in()
        await life.tell()
        await life.invest_and_order()
        return life

    async def come_in(self) -> None:
        wish = identity.SignUp(email=EMAIL, password=PASSWORD, name=NAME, device="Marker telephone")
        signed = await identity.sign_up(wish, self.signing.gate, HERE)
        self.actor = await self.acting(signed.token)
        code = identity.ByMail(code=await self.signing.code(EMAIL))
        await identity.verify_email(code, self.signing.gate, self.actor)

    async def acting(self, token: str) -> shared.Actor:
        """The member as a request has them, from another place than their session."""
        actor = await self.signing.actor(token)
        return shared.evolve(actor, address=PLACE, whereabouts="private", request_id="request-1")

    async def tell(self) -> None:
        """A profile, a check of who they are, and what an administrator typed about them."""
        who, run, admin = self.actor.user_id, self.world.run, self.world.admin
        profile = ReplaceProfile(
            user_id=who,
            version=1,
            display_name=NAME,
            given_name="Marker",
            birth_date=BORN,
            phone=PHONE,
            address=HOME,
            bio="Marker of bees",
        )
        await run(replace_profile, profile, actor=self.actor)
        self.world.vouch(who, 2)
        await self.world.let_in()
        why = identity.Suspend(user_id=who, reason="Marker did something")
        await run(identity.suspend, why, actor=admin)
        await run(identity.reinstate, identity.OfMember(user_id=who), actor=admin)
        signed = await self.signing.sign_in(EMAIL, actor=HERE)
        self.actor = await self.acting(signed.token)

    async def invest_and_order(self) -> None:
        market = await Market.open(self.world)
        investor = Investor(self.world, self.actor, SandboxGateway())
        reserved = await investor.invest(await hives(self.world), notes="From Marker")
        await investor.pay(reserved, "succeeds")
        words = {"shipping_address": HOME, "billing_address": HOME, "gift_message": "For Marker"}
        order = await market.place(self.actor, (market.honey, 1), instructions="Marker bell", **words)
        await market.cancel(self.actor, order)
        order = await market.place(self.actor, (market.honey, 2), key="order", **words)
        await market.dispatch(self.world.admin, order.shipments[0], tracking_number="MARKER1")
        await market.deliver(self.world.admin, order.shipments[0])
        await market.rate(self.actor, order.shipments[0], 5)

    async def sign_in(self) -> shared.Actor:
        return await self.acting((await self.signing.sign_in(EMAIL, actor=HERE)).token)

    async def erase(self, *, give_up_points: bool = True) -> privacy.ErasureView:
        wish = Erase(user_id=self.actor.user_id, grounds="own_wish", give_up_points=give_up_points)
        return await privacy.erase(wish, self.world.run, actor=await self.sign_in())

    async def payment(self) -> Any:
        wanted = RowsOf(user_id=self.actor.user_id, table="payment")
        (found,) = await self.world.run.read(privacy.own_rows, wanted, actor=self.world.admin)
        return found

    async def told(self, event_id: str, reference: str, body: str) -> None:
        """The provider sent a message, as the program stores it."""
        command = payments.ReceiveEvent(
            provider="stripe", event_id=event_id, type="customer.updated", reference=reference, body=body
        )
        await self.world.run(inbox.receive, command, actor=OPERATOR)

    async def close(self, event_id: str, outcome: Any, **whose: Any) -> None:
        command = payments.CloseEvent(provider="stripe", event_id=event_id, outcome=outcome, **whose)
        await self.world.run(inbox.close, command, actor=OPERATOR)

    async def message(self, event_id: str) -> payments.EventWithBody:
        wanted = payments.GetEvent(provider="stripe", event_id=event_id)
        return await self.world.run.read(inbox.event, wanted, actor=OPERATOR)

    async def books(self) -> tuple[Any, ...]:
        """What is shown of the books: whether they are right, and what is owed."""
        who = self.actor.user_id
        question = auditing.GetVerification(user_id=who)
        found = await self.world.run.read(auditing.verification, question, actor=self.world.admin)
        balance = await self.world.run.read(
            points.balance, points.GetBalance(user_id=who), actor=self.world.admin
        )
        return found, balance


async def dump(world: World) -> str:
    """Everything that is stored, as text."""
    if isinstance(world.storage, MemoryStorage):
        return "\n".join(repr(one) for kind in KINDS for one in world.storage.all(kind))
    async with world.queries.points._database.connection() as connection:
        names = await connection.fetch("select tablename from pg_tables where schemaname = 'baobab'")
        rows = [
            row
            for (name,) in names
            for row in await connection.fetch(f'select t.* from baobab."{name}" as t')
        ]
    return "\n".join(repr(tuple(row)) for row in rows)


@pytest.fixture
async def life(any_world: World) -> Life:
    return await Life.of(any_world)


# --- erasure ------------------------------------------------------------------------------------


async def test_no_personal_value_of_an_erased_member_is_left_and_the_books_are_unchanged(
    life: Life, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    before, books = await dump(life.world), await life.books()
    assert [marker for marker in MARKERS if marker not in before] == []
    view = await life.erase()
    after = await dump(life.world)
    assert [marker for marker in MARKERS if marker in after] == []
    assert not any(marker in caplog.text for marker in MARKERS)
    assert str(life.actor.user_id) in after, "the id alone stays"
    assert await life.books() == books
    assert (view.state, view.grounds) == ("done", "own_wish")


async def test_an_erasure_says_what_stays_why_and_until_when(life: Life) -> None:
    view = await life.erase()
    kept = {one.table: one for one in view.kept}
    assert kept["payment"].rows == 1
    assert "10 years" in kept["payment"].why
    assert kept["payment"].until == date(2036, 3, 2)
    assert kept["member"].until is None
    assert {"login", "session", "password", "private_part"}.isdisjoint(kept)
    counts = await life.world.run.read(privacy.counts, Of(user_id=life.actor.user_id), actor=HOUSE)
    unexplained = {name for name, rows in counts.items() if rows} - set(kept)
    assert unexplained == set()


async def test_sessions_are_dead_at_once_and_the_email_is_free_again(life: Life) -> None:
    token = (await life.signing.sign_in(EMAIL, actor=HERE)).token
    await life.erase()
    with pytest.raises(shared.Unauthenticated):
        await life.signing.actor(token)
    again = Life(life.world)
    await again.come_in()
    assert again.actor.user_id != life.actor.user_id


async def test_an_answer_that_was_erased_is_not_run_again(life: Life) -> None:
    await life.erase()
    storage: Any = life.world.storage
    async with storage.begin() as transaction:
        key = PRIVATE_PARTS.key(life.actor.user_id, "order")
        run = RUNS.key(life.actor.user_id, "order")
        loaded = await transaction.load([key, run], lock=False)
    assert set(loaded.records) == {run}


async def test_nothing_is_written_down_any_more_about_who_was_erased(life: Life) -> None:
    await life.erase()
    who, run, admin = life.actor.user_id, life.world.run, life.world.admin
    profile = ReplaceProfile(user_id=who, version=2, display_name=NAME)
    wishes: list[tuple[Any, shared.Command]] = [
        (identity.reinstate, identity.OfMember(user_id=who)),
        (identity.suspend, identity.Suspend(user_id=who, reason="Marker again")),
        (identity.set_role, identity.SetRole(user_id=who, role="admin")),
        (replace_profile, profile),
    ]
    for use_case, wish in wishes:
        with pytest.raises(MemberGone):
            await run(use_case, wish, actor=admin)
    after = await dump(life.world)
    assert not any(marker in after for marker in MARKERS)


async def test_what_a_provider_wrote_of_a_member_goes_though_nobody_knew_whose_it_was(
    life: Life,
) -> None:
    """By the ids that the provider and we gave each other; and nothing of it is kept anywhere else."""
    who, payment = life.actor.user_id, await life.payment()
    said = (
        ("about", "", f'{{"email": "{EMAIL}", "metadata": {{"user_id": "{who}"}}}}'),
        ("set-aside", payment.reference, f'{{"email": "{EMAIL}"}}'),
        ("waiting", payment.reference, f'{{"email": "{EMAIL}"}}'),
        ("known", "", f'{{"name": "{NAME}"}}'),
        ("another's", "", '{"email": "somebody-else@example.org", "metadata": {"user_id": "100%"}}'),
    )
    for event_id, reference, body in said:
        await life.told(event_id, reference, body)
    await life.close("about", "ignored")
    await life.close("set-aside", "set_aside")
    await life.close("known", "handled", user_id=who, payment_id=payment.id)
    assert NAME in await dump(life.world)
    await life.erase()
    after = await dump(life.world)
    assert not any(marker in after for marker in MARKERS)
    assert "somebody-else" in after
    left = await life.message("waiting")
    assert (left.state, left.body, left.last_error) == (
        "set_aside",
        "",
        "whom it spoke of was erased",
    )
    assert (await life.message("about")).state == "ignored"


async def test_of_what_a_provider_writes_later_about_who_was_erased_nothing_is_kept(life: Life) -> None:
    await life.erase()
    payment = await life.payment()
    await life.told("later", payment.reference, f'{{"email": "{EMAIL}"}}')
    await life.close("later", "handled", user_id=life.actor.user_id, payment_id=payment.id)
    assert EMAIL not in await dump(life.world)
    assert (await life.message("later")).state == "handled"


async def test_what_a_message_said_is_forgotten_wherever_it_stood(life: Life) -> None:
    await life.told("old", "", '{"said": "something to forget"}')
    await life.close("old", "handled", user_id=life.actor.user_id)
    wish = payments.ForgetEvent(provider="stripe", event_id="old")
    await life.world.run(inbox.forget, wish, actor=OPERATOR)
    assert "something to forget" not in await dump(life.world)


async def test_to_erase_again_changes_nothing(life: Life) -> None:
    first = await life.erase()
    wish = Erase(user_id=life.actor.user_id, grounds="law")
    assert await privacy.erase(wish, life.world.run, actor=life.world.admin) == first


async def test_what_was_interrupted_goes_on_where_it_stood(life: Life) -> None:
    wish = Erase(user_id=life.actor.user_id, grounds="request", give_up_points=True)
    begun = await life.world.run(privacy.begin, wish, actor=life.world.admin)
    assert begun.state == "begun"
    assert await life.world.run.read(privacy.unfinished, privacy.Unfinished(), actor=HOUSE) == (
        life.actor.user_id,
    )
    assert STREET in await dump(life.world)
    done = await privacy.go_on(life.actor.user_id, life.world.run)
    assert done.state == "done"
    assert STREET not in await dump(life.world)
    assert await life.world.run.read(privacy.unfinished, privacy.Unfinished(), actor=HOUSE) == ()


async def test_points_that_are_left_go_only_where_they_are_given_up(life: Life) -> None:
    with pytest.raises(MemberBound) as refused:
        await life.erase(give_up_points=False)
    assert [one.code for one in refused.value.obstacles] == ["points_left"]
    assert STREET in await dump(life.world)


async def test_every_obstacle_is_named_at_once(any_world: World) -> None:
    life = Life(any_world)
    await life.come_in()
    any_world.vouch(life.actor.user_id, 2)
    await any_world.let_in()
    market = await Market.open(any_world)
    await market.grant(life.actor, funded=50)
    await market.place(life.actor, (market.honey, 1))
    investor = Investor(any_world, life.actor, SandboxGateway())
    await investor.invest(await hives(any_world))
    with pytest.raises(MemberBound) as refused:
        await life.erase(give_up_points=False)
    assert [one.code for one in refused.value.obstacles] == [
        "order_open",
        "shipment_under_way",
        "payment_pending",
        "investment_pending",
        "points_left",
    ]
    assert "an order is open" in str(refused.value)


async def test_who_works_here_is_made_a_plain_member_first(any_world: World) -> None:
    life = Life(any_world)
    await life.come_in()
    role = identity.SetRole(user_id=life.actor.user_id, role="admin")
    await any_world.run(identity.set_role, role, actor=any_world.admin)
    with pytest.raises(MemberBound, match="plain member"):
        await life.erase()


async def test_to_erase_oneself_one_has_just_signed_in(any_world: World) -> None:
    life = Life(any_world)
    await life.come_in()
    any_world.clock.advance(minutes=16)
    wish = Erase(user_id=life.actor.user_id, grounds="own_wish")
    with pytest.raises(SignInAgain):
        await privacy.erase(wish, any_world.run, actor=life.actor)
    with pytest.raises(SignInAgain):
        await privacy.erase(wish, any_world.run, actor=shared.evolve(life.actor, credential_id=uuid4()))
    assert (await life.erase()).state == "done"


async def test_nobody_erases_another_and_nobody_goes_on_with_what_was_not_begun(any_world: World) -> None:
    life, stranger = Life(any_world), any_world.member()
    await life.come_in()
    wish = Erase(user_id=life.actor.user_id, grounds="own_wish")
    with pytest.raises(shared.NotFound):
        await privacy.erase(wish, any_world.run, actor=stranger)
    with pytest.raises(shared.NotFound):
        await privacy.go_on(life.actor.user_id, any_world.run)
    with pytest.raises(shared.NotFound):
        await any_world.run(
            privacy.erase_rows,
            privacy.EraseRows(user_id=stranger.user_id, table="product", keys=()),
            actor=HOUSE,
        )


# --- every kind, those of tomorrow included -----------------------------------------------------


def planted(kind: Kind[Any], owner: UUID, seed: int) -> Any:
    """A record of somebody with a marker in every value that is personal."""
    fields = inspect.type_info(kind.record).fields  # type: ignore[attr-defined]
    record = filled(kind.record, seed)
    marked = {field.name: _plant(field.type) for field in fields if field.name in kind.personal}
    return shared.evolve(record, **{"user_id": owner} | {k: v for k, v in marked.items() if v is not None})


def _plant(kind: Any) -> Any:
    """A value with a marker in it; None where a type has no place for one."""
    match kind:
        case inspect.Metadata():
            return _plant(kind.type)
        case inspect.UnionType():
            return next((found for one in kind.types if (found := _plant(one)) is not None), None)
        case inspect.StructType():
            return kind.cls(**{one.name: _plant(one.type) for one in kind.fields})
        case inspect.VarTupleType():
            return (_plant(kind.item_type),)
        case inspect.DictType():
            return {"planted": "planted"}
        case inspect.BytesType():
            return b"planted"
        case inspect.StrType() | inspect.AnyType():
            return "planted"
        case inspect.DateType():
            return BORN
    return None


OWNED = [kind for kind in KINDS if kind.has_owner]
PERSONAL = [kind for kind in OWNED if kind.personal]


@pytest.mark.parametrize("kind", PERSONAL, ids=lambda kind: kind.name)
async def test_every_kind_that_holds_something_personal_is_erased(world: World, kind: Kind[Any]) -> None:
    """A kind that comes tomorrow is among them."""
    owner = uuid4()
    records = {kind.values_of(one): one for one in (planted(kind, owner, seed) for seed in range(3))}
    async with world.storage.begin() as transaction:
        await transaction.write(Changes({kind: [*records.values()]}, {}))
    assert "planted" in await dump(world)
    erasure = Erasure(owner, "begun", "law", world.admin.user_id, world.clock())
    async with world.storage.begin() as transaction:
        await transaction.write(Changes({privacy.ERASURES: [erasure]}, {}))
    await privacy.go_on(owner, world.run)
    assert "planted" not in await dump(world)


def test_every_table_that_names_a_member_is_emptied_or_stays_by_a_rule() -> None:
    unexplained = [kind.name for kind in OWNED if not kind.removable and rule_of(kind.name) is None]
    assert unexplained == []


def test_every_kind_whose_parts_change_says_what_guards_it() -> None:
    unguarded = [
        kind.name
        for kind in OWNED
        if kind.marked and kind.changes and not (kind.root or kind.removable or kind.guard)
    ]
    assert unguarded == []


# --- everything about oneself ---------------------------------------------------------------------


async def archive_of(life: Life) -> tuple[dict[str, bytes], privacy.Manifest]:
    file = io.BytesIO()
    wish = NoteExport(user_id=life.actor.user_id)
    manifest = await privacy.export(wish, life.world.run, file, actor=life.actor)
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}, manifest


async def test_an_archive_holds_every_row_of_every_table_and_no_secret(life: Life) -> None:
    files, manifest = await archive_of(life)
    counts = await life.world.run.read(privacy.counts, Of(user_id=life.actor.user_id), actor=HOUSE)
    rows = {one.table: one.rows for one in manifest.tables}
    missing = {name for name, number in counts.items() if number} - set(rows) - set(privacy.LEFT_OUT)
    assert missing == set()
    for name, number in rows.items():
        assert len(json.loads(files[f"{name}.json"])) == number
        assert files[f"{name}.csv"].count(b"\r\n") >= number + 1
    text = b"".join(files.values())
    for value in (NAME, EMAIL, PHONE, STREET, "1977-07-07", "For Marker", PLACE):
        assert value.encode() in text, value
    assert PASSWORD.encode() not in text
    fields = {f"{one.table}.{field}" for one in manifest.tables for field in one.fields}
    assert {name for name in fields if "hash" in name} == {"account.hash", "posting.hash"}
    assert {"manifest.json", "README.txt"} <= set(files)


async def test_an_archive_tells_what_others_did_and_not_who_they_are(life: Life) -> None:
    files, _ = await archive_of(life)
    trail = json.loads(files["trail.json"])
    assert {one["name"] for one in trail if not one["is_own"]} >= {"identity.suspend", "identity.reinstate"}
    assert {one["role"] for one in trail if one["name"] == "identity.suspend"} == {"admin"}
    assert str(life.world.admin.user_id).encode() not in files["trail.json"] + files["trail.csv"]


async def test_an_archive_of_who_works_here_says_nothing_personal_of_others(any_world: World) -> None:
    """What they did stands in it; what they typed about others, and saw of them, does not."""
    life = await Life.of(any_world)
    worker = Life(any_world)
    worker.actor = shared.evolve(any_world.member(), role="admin")
    await any_world.let_in()
    why = identity.Suspend(user_id=life.actor.user_id, reason="Marker once more")
    await any_world.run(identity.suspend, why, actor=worker.actor)
    files, _ = await archive_of(worker)
    text = b"".join(files.values()).decode()
    assert "identity.suspend" in text
    assert [marker for marker in MARKERS if marker in text] == []


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\tx", "\nx"])
async def test_a_spreadsheet_computes_nothing_of_what_somebody_wrote(world: World, text: str) -> None:
    life = Life(world)
    await life.come_in()
    wish = ReplaceProfile(user_id=life.actor.user_id, version=1, display_name=NAME, bio=text)
    await world.run(replace_profile, wish, actor=life.actor)
    files, _ = await archive_of(life)
    (row,) = csv.DictReader(io.StringIO(files["profile.csv"].decode(), newline=""))
    assert row["bio"] == f"'{text}"
    assert json.loads(files["profile.json"])[0]["bio"] == text


async def test_of_many_rows_each_is_in_the_archive_once(any_world: World) -> None:
    """They are read and written in pieces."""
    life = Life(any_world)
    await life.come_in()
    who, now = life.actor.user_id, any_world.clock()
    rows = [privacy.Export(who, UUID(int=number), who, "own_wish", now) for number in range(1, 1_235)]
    async with any_world.storage.begin() as transaction:
        await transaction.write(Changes({privacy.EXPORTS: rows}, {}))
    files, manifest = await archive_of(life)
    ids = [one["id"] for one in json.loads(files["export.json"])]
    assert len(ids) == len(set(ids)) == 1_235, "and that of this archive"
    assert files["export.csv"].count(b"\r\n") == 1_236
    assert {one.table: one.rows for one in manifest.tables}["export"] == 1_235


async def test_that_somebody_had_the_data_is_written_down(life: Life) -> None:
    wish = NoteExport(user_id=life.actor.user_id, grounds="request")
    await privacy.export(wish, life.world.run, io.BytesIO(), actor=life.world.admin)
    found = await life.world.run.read(
        privacy.own_rows,
        privacy.RowsOf(user_id=life.actor.user_id, table="export"),
        actor=life.actor,
    )
    assert [(one.asked_by, one.grounds) for one in found] == [(life.world.admin.user_id, "request")]


async def test_an_administrator_says_on_which_grounds_they_have_the_data_of_another(life: Life) -> None:
    wish = NoteExport(user_id=life.actor.user_id)
    with pytest.raises(GroundsNeeded):
        await privacy.export(wish, life.world.run, io.BytesIO(), actor=life.world.admin)


async def test_nobody_has_the_data_of_another(life: Life) -> None:
    stranger = life.world.member()
    with pytest.raises(shared.NotFound):
        await privacy.export(
            NoteExport(user_id=life.actor.user_id), life.world.run, io.BytesIO(), actor=stranger
        )
    question = privacy.RowsOf(user_id=life.actor.user_id, table="order")
    with pytest.raises(shared.NotFound):
        await life.world.run.read(privacy.own_rows, question, actor=stranger)


# --- the trail over a whole life ------------------------------------------------------------------


async def test_whatever_a_life_changed_has_a_line_that_says_who_did_it(world: World) -> None:
    """Every use case of the tour: of each record that is audited the trail names who made it, and of each
    event there is the line that caused it."""
    life, storage = await Life.of(world), world.storage
    assert isinstance(storage, MemoryStorage)
    lines = storage.all(RUNS)
    touched = {name for line in lines for name in line.touched or ()}
    audited = [kind for kind in KINDS if not kind.unaudited and kind.name != "kyc_check"]
    made = {place_of(kind, one) for kind in audited for one in storage.all(kind)}
    others = (one for one in storage.all(identity.MEMBERS) if one.user_id != life.actor.user_id)
    by_hand = {place_of(identity.MEMBERS, one) for one in others}
    assert len(made) > 20
    assert made - touched - by_hand == set()
    keys = {line.key for line in lines}
    assert {one.run_key for one in storage.all(HAPPENINGS)} <= keys
    assert not any(marker in repr(lines) for marker in MARKERS)
