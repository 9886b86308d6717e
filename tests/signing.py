"""What tests of signing in are made with: a gate whose secrets cost nothing, and people who came in by it."""

import re
from datetime import datetime
from hashlib import sha256
from typing import Any

import pytest

from baobab.adapters.mail import MemoryMailer
from baobab.application import identity
from baobab.application.identity import Gate, SignedIn, SignInByMail, WishKey
from baobab.application.mail import Message
from baobab.application.runner import Runner
from baobab.domain import identity as rules
from baobab.domain import shared
from builders import World

STRANGER = shared.Actor(address="192.0.2.7")
PASSWORD = "correct horse battery"
EMAIL = "member-1@example.org"
OTHER = "member-2@example.org"
NEW = "another horse, another day"


class PlainSecrets:
    """Secrets that cost nothing, and are no secret."""

    def __init__(self, parameters: str = "hash") -> None:
        self.hashed: list[str] = []
        self.parameters = parameters
        self.given = 0

    async def hash(self, password: str) -> str:
        self.hashed.append(password)
        return f"{self.parameters} of {password}"

    async def matches(self, password_hash: str, password: str) -> bool:
        return password_hash.partition(" of ")[2] == password

    def is_outdated(self, password_hash: str) -> bool:
        return not password_hash.startswith(self.parameters)

    def random(self, size: int) -> bytes:
        self.given += 1
        return sha256(str(self.given).encode()).digest()[:size]

    def digest(self, text: str) -> bytes:
        return sha256(text.encode()).digest()

    def seal(self, text: str) -> str:
        return f"sealed {text}"

    def unseal(self, sealed: str, most_seconds: int | None = None) -> str | None:
        return sealed.removeprefix("sealed ") if sealed.startswith("sealed ") else None


class Telephone:
    """Counts codes of a second factor: the code of a step is its number, in six digits."""

    def secret(self) -> str:
        return "BAOBAB"

    def link(self, secret: str, email: str) -> str:
        return f"otpauth://totp/{email}?secret={secret}"

    def step(self, secret: str, code: str, at: datetime) -> int:
        return int(code) if code.isdigit() and abs(int(code) - step_of(at)) <= 1 else 0


def step_of(at: datetime) -> int:
    return int(at.timestamp()) // 30 % 1_000_000


def code_at(at: datetime, later: int = 0) -> str:
    """The code that a telephone shows."""
    return f"{step_of(at) + later:06}"


class Signing:
    """A gate of a world, with what came by mail. `again` is another process's."""

    def __init__(self, world: World, run: Runner | None = None, secrets: PlainSecrets | None = None) -> None:
        self.world, self.secrets, self.mailer = world, secrets or PlainSecrets(), MemoryMailer()
        self.gate = Gate(
            run or world.run,
            self.secrets,
            self.mailer,
            Telephone(),
            is_common=lambda word: word == "password123",
            public_url="https://example.org",
        )

    async def letters(self) -> list[Message]:
        """What was sent until now."""
        await self.gate.later.done()
        return list(self.mailer.sent)

    async def letter(self, to: str = EMAIL) -> Message:
        """The last letter to somebody."""
        return next(one for one in reversed(await self.letters()) if one.to == to)

    async def code(self, to: str = EMAIL) -> str:
        """The code of the last letter to somebody."""
        return code_in(await self.letter(to))

    async def sign_up(self, email: str = EMAIL, actor: shared.Actor = STRANGER) -> SignedIn:
        wish = identity.SignUp(email=email, password=PASSWORD, name="Member One", device="laptop")
        signed = await identity.sign_up(wish, self.gate, actor)
        await self.gate.later.done()
        return signed

    async def sign_in(
        self, email: str = EMAIL, password: str = PASSWORD, actor: shared.Actor = STRANGER
    ) -> SignedIn:
        wish = identity.SignIn(email=email, password=password, device="telephone")
        return await identity.sign_in(wish, self.gate, actor)

    async def join(self, email: str = EMAIL) -> tuple[SignedIn, shared.Actor]:
        """Somebody who signed up and verified their e-mail, and the same as an actor."""
        signed = await self.sign_up(email)
        actor = await self.actor(signed.token)
        code = await self.code(signed.member.email)
        member = await identity.verify_email(identity.ByMail(code=code), self.gate, actor)
        return shared.evolve(signed, member=member), actor

    async def factor(self, actor: shared.Actor) -> identity.FactorState:
        return await self.world.run.read(identity.second_factor, identity.GetSecondFactor(), actor=actor)

    async def actor(self, token: str, **options: bool) -> shared.Actor:
        queries, now = self.world.queries, self.world.clock()
        return await identity.authenticate(token, queries, now, **options)


def code_in(letter: Message) -> str:
    """The code of a letter."""
    found = re.search(r"Code: (\d{8})\n", letter.text)
    assert found, letter.text
    return found[1]


def not_code_in(letter: Message) -> str:
    """A code that is not that of a letter."""
    return f"{(int(code_in(letter)) + 1) % 10**8:08}"


def token_in(letter: Message) -> str:
    """The token of the link of a letter."""
    found = re.search(r"\?token=(\S+)\n", letter.text)
    assert found, letter.text
    return found[1]


def kinds_of(results: list[Any]) -> list[str]:
    return sorted(type(one).__name__ for one in results)


async def ask(signing: Signing, purpose: rules.Purpose, email: str = EMAIL) -> identity.Sent:
    return await identity.ask_by_mail(identity.AskByMail(email=email), purpose, signing.gate, STRANGER)


async def by_mail(signing: Signing, **what: str) -> identity.SignedIn:
    return await identity.sign_in_by_mail(SignInByMail(**what), signing.gate, STRANGER)


async def reset(signing: Signing, password: str = NEW, **what: str) -> identity.SignedOut:
    wish = identity.ResetPassword(password=password, **what)
    return await identity.reset_password(wish, signing.gate, STRANGER)


async def with_factor(signing: Signing) -> tuple[shared.Actor, tuple[str, ...]]:
    """Somebody with a second factor, and their recovery codes."""
    _, actor = await signing.join()
    await identity.begin_second_factor(signing.gate, actor)
    wish = identity.GiveCode(code=code_at(signing.world.clock()))
    codes = await identity.confirm_second_factor(wish, signing.gate, actor)
    signing.world.clock.advance(seconds=30)
    return actor, codes.codes


async def challenge(signing: Signing) -> str:
    with pytest.raises(rules.SecondFactorNeeded) as needed:
        await signing.sign_in()
    return str(needed.value.challenge)


async def step(signing: Signing, challenge: str, code: str) -> identity.SignedIn:
    wish = identity.SecondStep(challenge=challenge, code=code)
    return await identity.second_step(wish, signing.gate, STRANGER)


async def key(signing: Signing, actor: shared.Actor, *scopes: str, **more: Any) -> identity.KeyMade:
    return await identity.new_key(WishKey(name="till", scopes=scopes, **more), signing.gate, actor)
