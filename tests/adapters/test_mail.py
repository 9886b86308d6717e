"""Letters: written into a folder, or sent by a server that is really there."""

import asyncio
import email
import os
import ssl
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email.message import EmailMessage
from email.message import Message as Mail
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from baobab.adapters.mail import FolderMailer, MemoryMailer, SmtpMailer, mailer_of
from baobab.adapters.mail.folder import MOST
from baobab.adapters.mail.smtp import InvalidMailServer
from baobab.application.mail import MailNotSent, Message
from builders import START

LETTER = Message("member-1@example.org", "Écorce", "Bonjour.\nCode : 12345678\n", "<p>Bonjour.</p>")


def read(mail: Mail | bytes) -> EmailMessage:
    raw = mail if isinstance(mail, bytes) else mail.as_bytes()
    found = email.message_from_bytes(raw, policy=default)
    assert isinstance(found, EmailMessage)
    return found


async def test_a_folder_holds_letters_that_only_their_owner_reads(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    await FolderMailer(folder, "baobab <house@example.org>").send(LETTER)
    (file,) = folder.iterdir()
    assert (file.suffix, stat.S_IMODE(file.stat().st_mode)) == (".eml", 0o600)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    mail = read(file.read_bytes())
    assert (mail["To"], mail["Subject"], mail["From"]) == (
        "member-1@example.org",
        "Écorce",
        "baobab <house@example.org>",
    )
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "12345678" in text.get_content()
    assert "<p>Bonjour.</p>" in html.get_content()


@pytest.mark.parametrize("to", ["=?utf-8?q?a=40evil.org=3e?=@b.co", "a,member-1@b.co", "x<member-1@b.co", ""])
async def test_a_letter_goes_to_the_one_address_that_it_is_for_or_nowhere(tmp_path: Path, to: str) -> None:
    with pytest.raises(MailNotSent):
        await FolderMailer(tmp_path).send(Message(to, "Hello", "Hello"))
    assert os.listdir(tmp_path) == []


async def test_a_folder_keeps_the_newest_letters(tmp_path: Path) -> None:
    for number in range(MOST):
        (tmp_path / f"2000-{number:04}.eml").touch()
    await FolderMailer(tmp_path).send(LETTER)
    kept = sorted(os.listdir(tmp_path))
    assert (len(kept), kept[0]) == (MOST, "2000-0001.eml")


async def test_a_folder_that_cannot_be_written_says_that_nothing_was_sent(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MailNotSent):
        await FolderMailer(tmp_path / "file").send(LETTER)


async def test_memory_keeps_the_last_letters() -> None:
    mailer = MemoryMailer(most=2)
    for number in range(3):
        await mailer.send(Message("a@example.org", str(number), ""))
    assert [one.subject for one in mailer.sent] == ["1", "2"]


@pytest.mark.parametrize("url", ["mail.example.org", "http://mail.example.org", "smtp://", "smtp://a:b"])
def test_an_address_that_is_no_mail_server_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidMailServer) as refused:
        mailer_of(url, "", Path())
    assert url not in str(refused.value).split()


# --- a server -----------------------------------------------------------------------------------


class Post:
    """What a server of the test was given."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str, bytes, bool]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        told = (envelope.mail_from, envelope.rcpt_tos[0], envelope.content, session.ssl is not None)
        self.received.append(told)
        return "250 OK"


@asynccontextmanager
async def server(post: Post, *, implicit: bool = False, **options: Any) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    tls = options.pop("secured", None)
    made = await loop.create_server(
        lambda: SMTP(post, loop=loop, hostname="localhost", **options),
        "127.0.0.1",
        0,
        ssl=tls if implicit else None,
    )
    try:
        yield made.sockets[0].getsockname()[1]
    finally:
        made.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that nobody but the test trusts, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(START - timedelta(days=3_650))
        .not_valid_after(START + timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return file


def tls_of(certificate: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server and a client of the test trust."""
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(certificate)
    return serving, ssl.create_default_context(cafile=certificate)


async def test_a_letter_arrives_at_a_server() -> None:
    post = Post()
    async with server(post) as port:
        await SmtpMailer(f"smtp://127.0.0.1:{port}", "house@example.org").send(LETTER)
    ((sender, to, raw, encrypted),) = post.received
    assert (sender, to, encrypted) == ("house@example.org", "member-1@example.org", False)
    assert read(raw)["Subject"] == "Écorce"


@pytest.mark.parametrize("implicit", [False, True])
async def test_with_a_password_everything_is_encrypted(certificate: Path, implicit: bool) -> None:
    post, asked = Post(), []
    serving, trusting = tls_of(certificate)

    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        asked.append((data.login, data.password))
        return AuthResult(success=True)

    more = {} if implicit else {"tls_context": serving}
    options = {"authenticator": check, "auth_require_tls": not implicit, **more}
    async with server(post, implicit=implicit, secured=serving, **options) as port:
        scheme = "smtps" if implicit else "smtp"
        url = f"{scheme}://house:p%40ss@localhost:{port}"
        await SmtpMailer(url, "house@example.org", tls=trusting).send(LETTER)
    assert set(asked) == {(b"house", b"p@ss")}
    assert len(post.received) == 1


async def test_a_password_is_never_sent_to_a_server_that_does_not_encrypt() -> None:
    post = Post()
    async with server(post) as port:
        with pytest.raises(MailNotSent):
            await SmtpMailer(f"smtp://house:secret@127.0.0.1:{port}").send(LETTER)
    assert post.received == []


async def test_a_server_that_nobody_vouches_for_is_not_used(certificate: Path) -> None:
    post = Post()
    serving, _ = tls_of(certificate)
    async with server(post, tls_context=serving) as port:
        with pytest.raises(MailNotSent):
            await SmtpMailer(f"smtp://house:secret@localhost:{port}").send(LETTER)
    assert post.received == []


async def test_a_server_that_is_away_or_silent_is_an_error_in_time() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    quiet = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = quiet.sockets[0].getsockname()[1]
    with pytest.raises(MailNotSent):
        await SmtpMailer(f"smtp://127.0.0.1:{port}", seconds=0.1).send(LETTER)
    quiet.close()
    await quiet.wait_closed()
    with pytest.raises(MailNotSent):
        await SmtpMailer(f"smtp://127.0.0.1:{port}", seconds=1).send(LETTER)
