"""One run: a server with the demo community, and schemathesis as somebody of each role."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from besieged import Town

from baobab.application import identity
from baobab.application.identity import MemberView, Token
from baobab.application.runner import Runner
from baobab.entrypoints.container import Container
from baobab.entrypoints.demo.people import ADMIN, AMBASSADEUR, PARTNER, PROTECTEUR
from baobab.entrypoints.program import OPERATOR, opened
from baobab.entrypoints.settings import Settings

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
OPTIONS = (
    *("--checks", ",".join(CHECKS), "--phases", "fuzzing", "--workers", "1", "--continue-on-failure"),
    *("--no-shrink", "--warnings", "off", "--request-timeout", "30", "--generation-database", "none"),
)
HOOKS = str(Path(__file__).with_name("hooks.py"))
ROLES: dict[str, tuple[str, ...]] = {
    "stranger": (),
    "member": (PROTECTEUR, AMBASSADEUR, *(f"member-{n}@example.org" for n in (12, 13, 14, 15))),
    "partner": (PARTNER, *(f"member-{n}@example.org" for n in (4, 5, 6, 7))),
    "administrator": (ADMIN, *(f"member-{n}@example.org" for n in (8, 9, 10, 11))),
}
"""Several of each: whoever is suspended or erased by a request is followed by the next."""
SESSIONS = 12
"""Of each person: whoever ends one goes on with the next."""
UUIDS = """
select table_name, column_name from information_schema.columns
where table_schema = 'baobab' and data_type = 'uuid'
"""
LISTED = 12
"""How many ids of a kind are known."""


class Count(NamedTuple):
    """What was asked as one role: how often each status came, and what was wrong."""

    role: str
    statuses: Counter[int]
    wrong: str
    seconds: float

    @property
    def requests(self) -> int:
        return sum(self.statuses.values())

    def __str__(self) -> str:
        shown = ", ".join(f"{status}: {number}" for status, number in sorted(self.statuses.items()))
        return f"{self.role:14} {self.requests:7} requests in {self.seconds:5.0f} s   {shown}"


async def give_roles(database_url: str) -> None:
    """Let some of the demo's supporters be partners and administrators."""
    async with opened(Container(settings=Settings(database_url=database_url))) as container:
        run = container.runner()
        partner, *_ = (
            await run.read(identity.members, identity.ListMembers(email=PARTNER), actor=OPERATOR)
        ).items
        for role, emails in (("partner_staff", ROLES["partner"][1:]), ("admin", ROLES["administrator"][1:])):
            producer_id = partner.producer_id if role == "partner_staff" else None
            for email in emails:
                member = await _member(run, email)
                assert member is not None
                command = identity.SetRole(user_id=member.user_id, role=role, producer_id=producer_id)  # type: ignore[arg-type]
                await run(identity.set_role, command, actor=OPERATOR)


async def _member(run: Runner, email: str) -> MemberView | None:
    """The member of an e-mail; an earlier round may have erased them."""
    found = await run.read(identity.members, identity.ListMembers(email=email), actor=OPERATOR)
    return found.items[0] if found.items else None


async def sessions_of(database_url: str, emails: tuple[str, ...]) -> list[str]:
    """Tokens of some sessions of each person."""
    tokens = []
    async with opened(Container(settings=Settings(database_url=database_url))) as container:
        run = container.runner()
        for email in emails:
            member = await _member(run, email)
            for _ in range(SESSIONS if member is not None and member.status == "active" else 0):
                token = Token(member.user_id, run.new_id(), os.urandom(32))
                command = identity.OpenSession(
                    user_id=member.user_id, session_id=token.session_id, token_hash=token.digest()
                )
                await run(identity.open_session, command, actor=OPERATOR)
                tokens.append(token.text())
    return tokens


def ids_of(town: Town) -> dict[str, list[str]]:
    """Ids of what is there: `order_id` is an id of the table `order`, and what any table calls so."""
    found: dict[str, set[str]] = {}
    for table, column in town.rows(UUIDS):
        sql = f'select distinct "{column}" from baobab."{table}" where "{column}" is not null limit {LISTED}'
        known = found.setdefault(f"{table}_id" if column == "id" else column, set())
        known.update(str(row[0]) for row in town.rows(sql))
    return {name: sorted(values)[:LISTED] for name, values in found.items() if values}


def fuzz(town: Town, role: str, *, seed: int, examples: int, seconds: int = 0) -> Count:
    """Ask every operation so many times as somebody of a role; or again and again, for some seconds."""
    with tempfile.TemporaryDirectory(prefix="baobab-fuzz-") as name:
        folder = Path(name)
        secrets = {
            "tokens": asyncio.run(sessions_of(town.database_url, ROLES[role])),
            "ids": ids_of(town),
        }
        (folder / "secrets.json").write_text(json.dumps(secrets))
        begun = time.monotonic()
        done = subprocess.run(
            (sys.executable, "-m", "schemathesis.cli", "run", f"{town.address}/schema/openapi.json", *OPTIONS)
            + ("--max-examples", str(examples), "--seed", str(seed))
            + (("--max-time", str(seconds)) if seconds else ()),
            env=os.environ | {"BAOBAB_FUZZ": name, "SCHEMATHESIS_HOOKS": HOOKS, "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
            timeout=seconds + 300,
        )
        statuses = json.loads((folder / "statuses.json").read_text())
        counted = Counter({int(status): number for status, number in statuses.items()})
        wrong = (done.stdout + done.stderr) if done.returncode else ""
        return Count(role, counted, wrong, time.monotonic() - begun)
