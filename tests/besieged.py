"""The demo community on a real server, as those see it who attack it: its operations, and its real ids."""

import asyncio
import copy
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
from document import OPERATIONS
from serving import serving

from baobab.adapters.postgres.schema import metadata
from baobab.entrypoints.demo.people import ACCOUNTS

Aim = dict[str, str]
"""Real ids that belong together, by the names that parameters and fields have."""

PASSWORDS = {account.email: account.password for account in ACCOUNTS}
OF_OTHERS = {
    "category": "select id as category_id from baobab.category",
    "project": "select id as project_id from baobab.project",
    "producer": "select id as producer_id from baobab.producer where id <> $1",
    "variant": "select product_id, id as variant_id from baobab.variant",
    "batch": "select product_id, variant_id, id as batch_id from baobab.batch",
    "member": "select user_id from baobab.member where email = 'member-2@example.org'",
    "check": "select user_id, id as check_id from baobab.kyc_check",
    "debit": "select user_id, id as debit_id from baobab.posting where amount < 0",
    "payment": "select user_id, id as payment_id from baobab.payment",
    "investment": """select user_id, id as investment_id, id as contribution_id
                     from baobab.investment""",
    "subscription": "select user_id, id as subscription_id from baobab.subscription",
    "order": 'select user_id, id as order_id, number from baobab."order"',
    "shipment": """select user_id, order_id, id as shipment_id, coalesce(producer_id, $2) as producer_id
                   from baobab.shipment where producer_id is distinct from $1""",
    "session": "select user_id, id as session_id from baobab.session",
}
"""What is there that does not belong to the producer $1; $2 is another producer."""


NOTHING = "01a1fe03-aa47-77f7-a8ae-7c75fabce465"
"""An id that nothing has."""


class Town:
    """A server with the demo community, and what its database holds."""

    def __init__(self, address: str, database_url: str) -> None:
        self.address, self.database_url = address, database_url
        self.client = httpx.Client(base_url=address, timeout=120)
        self._tokens: dict[str, str] = {}

    def headers(self, email: str) -> dict[str, str]:
        """The headers of somebody who is signed in."""
        if email not in self._tokens:
            wish = {"email": email, "password": PASSWORDS[email]}
            self._tokens[email] = self.client.post("/v1/sessions", json=wish).json()["token"]
        return {"Authorization": f"Bearer {self._tokens[email]}"}

    def rows(self, sql: str, *args: Any) -> list[Any]:
        async def fetch() -> list[Any]:
            connection = await asyncpg.connect(self.database_url)
            try:
                return list(await connection.fetch(sql, *args))
            finally:
                await connection.close()

        return asyncio.run(fetch())

    def of_others(self) -> dict[str, list[Aim]]:
        """What does not belong to the demo's partner, nor to the member who has just signed up."""
        [[own]] = self.rows("select producer_id from baobab.member where email = 'partner@example.org'")
        [[other], *_] = self.rows("select id from baobab.producer where id <> $1", own)
        known = {"$1": own, "$2": other}
        return {
            name: [
                {key: str(value) for key, value in row.items()}
                for row in self.rows(sql, *(value for place, value in known.items() if place in sql))
            ]
            for name, sql in OF_OTHERS.items()
        }

    def fingerprint(self) -> dict[str, str]:
        """A digest of every table: the same as long as nothing is changed."""
        tables = [table.fullname for table in metadata.sorted_tables]
        names = ", ".join(
            f"(select string_agg(x::text, '|' order by x::text) from {name} x) as \"{name}\""
            for name in tables
        )
        [row] = self.rows(f"select {names}")
        return {name: hashlib.sha256((row[name] or "").encode()).hexdigest() for name in tables}

    def send(self, name: str, aim: Aim, headers: dict[str, str]) -> httpx.Response:
        """Ask an operation for what is aimed at, by path, query and body."""
        method, path, operation = OPERATIONS[name]
        queries = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
        address = "/".join(
            aim.get(part[1:-1], NOTHING) if part[:1] == "{" else part for part in path.split("/")
        )
        return self.client.request(
            method,
            address,
            params=_needed(operation) | {key: value for key, value in aim.items() if key in queries},
            json=body_of(operation, aim),
            headers={**headers, "Idempotency-Key": str(uuid4())},
        )


def _needed(operation: dict[str, Any]) -> Aim:
    """A word for each query parameter that must be there."""
    parameters = [one for one in operation.get("parameters", ()) if one["in"] == "query" and one["required"]]
    return {one["name"]: one["schema"].get("enum", ["text"])[0] for one in parameters}


def body_of(operation: dict[str, Any], aim: Aim) -> Any:
    """The documented example of a body, with the ids that are aimed at; None where none is taken."""
    if "requestBody" not in operation:
        return None
    content = operation["requestBody"]["content"]["application/json"]
    return _aimed(copy.deepcopy(content["examples"]["example"]["value"]), aim)


def _aimed(value: Any, aim: Aim) -> Any:
    if isinstance(value, dict):
        named = {key for key, part in value.items() if key in aim and not isinstance(part, int)}
        return {key: aim[key] if key in named else _aimed(part, aim) for key, part in value.items()}
    return [_aimed(part, aim) for part in value] if isinstance(value, list) else value


@contextmanager
def besieged(database_url: str) -> Iterator[Town]:
    with serving(database_url, "--demo") as address:
        town = Town(address, database_url)
        yield town
        town.client.close()
