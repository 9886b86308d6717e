"""A stateful imitation of Stripe by others (`localstripe`), with a door before it.

The door adds what the imitation lacks: a key is answered once, parameters that it does not know, the
intent in the error of a declined card, payments by customer, disputes. And it fails as it is told: before or
after it did what was asked.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6, SO_REUSEADDR, SOL_SOCKET, socket
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import stripe

KEY, SECRET = "sk_test_community", "whsec_community"
GOOD, DECLINED = "4242424242424242", "4000000000000341"
UNKNOWN = ("setup_future_usage", "automatic_payment_methods", "created")
"""Parameters that Stripe knows and its imitation refuses."""
FILTERS = {"/v1/payment_intents": ("customer",), "/v1/disputes": ("payment_intent",)}
"""What Stripe's lists are filtered by, and those of its imitation are not."""
AUTH = {"Authorization": f"Bearer {KEY}"}


class Door(ThreadingHTTPServer):
    """`faults` are taken one by one by the next requests: `lost` does what is asked and answers nothing,
    a number answers with this status and does nothing. `failed` are refunds that came back to us."""

    daemon_threads = True

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = httpx.Client(base_url=behind, headers=AUTH, timeout=60)
        self.once: dict[str, tuple[str, int, bytes]] = {}
        self.faults: list[int | str] = []
        self.disputes: list[Any] = []
        self.failed: set[str] = set()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def forward(self, method: str, path: str, body: str, key: str) -> tuple[int, bytes]:
        """What is answered; asked again with the same key, the same."""
        if path.startswith("/v1/disputes"):
            return 200, b'{"object": "list", "data": [], "has_more": false}'
        asked = f"{method} {path} {body}"
        if key in self.once:
            before, status, content = self.once[key]
            if before != asked:
                return 400, _error("idempotency_error", "idempotency_key_in_use")
            return status, content
        fields = [one for one in parse_qsl(body) if one[0].partition("[")[0] not in UNKNOWN]
        answer = self.behind.request(method, path, content=urlencode(fields), headers=_FORM)
        status, content = answer.status_code, answer.content
        if status == 402:
            content = self._with_intent(answer.json())
        if key and status < 500:
            self.once[key] = (asked, status, content)
        return status, content

    def _with_intent(self, body: Any) -> bytes:
        """The error of a declined card, with the intent that failed."""
        charge = self.behind.get(f"/v1/charges/{body['error']['charge']}").json()
        intent = self.behind.get(f"/v1/payment_intents/{charge['payment_intent']}").json()
        body["error"] |= {
            "type": "card_error",
            "decline_code": "insufficient_funds",
            "payment_intent": intent,
        }
        return json.dumps(body).encode()


_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def _error(type: str, code: str) -> bytes:
    return json.dumps({"error": {"type": type, "code": code, "message": code}}).encode()


class _Handler(BaseHTTPRequestHandler):
    server: Door

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        asked = parse_qsl(query)
        filters = FILTERS.get(path, ())
        kept = [one for one in asked if one[0].partition("[")[0] not in (*UNKNOWN, *filters)]
        self._answer("GET", f"{path}?{urlencode(kept)}", "", dict(asked))

    def _filtered(self, content: bytes, asked: dict[str, str]) -> bytes:
        """What a list has that fits."""
        path, since = self.path.partition("?")[0], int(asked.get("created[gte]", 0))
        page = json.loads(content)
        data = self.server.disputes if path == "/v1/disputes" else page["data"]
        data = [one for one in data if one["created"] >= since]
        names = [name for name in FILTERS.get(path, ()) if name in asked]
        page["data"] = [one for one in data if all(one[name] == asked[name] for name in names)]
        for one in page["data"]:
            if one["id"] in self.server.failed:
                one["status"] = "failed"
        return json.dumps(page).encode()

    def _with_dispute(self, content: bytes) -> bytes:
        """An intent whose charge says whether it is disputed."""
        intent = json.loads(content)
        if intent.get("object") == "payment_intent" and isinstance(intent["latest_charge"], dict):
            disputed = {one["payment_intent"] for one in self.server.disputes}
            intent["latest_charge"]["disputed"] = intent["id"] in disputed
        return json.dumps(intent).encode()

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self._answer("POST", self.path, self.rfile.read(length).decode())

    def _answer(self, method: str, path: str, body: str, asked: dict[str, str] | None = None) -> None:
        fault = self.server.faults.pop(0) if self.server.faults else None
        if isinstance(fault, int):
            return self._send(fault, _error("api_error", "told_to"))
        key = self.headers.get("Idempotency-Key", "") if method == "POST" else ""
        status, content = self.server.forward(method, path, body, key)
        if asked and status == 200 and json.loads(content).get("object") == "list":
            content = self._filtered(content, asked)
        elif method == "GET" and status == 200:
            content = self._with_dispute(content)
        if fault == "lost":
            self.close_connection = True
            return None
        return self._send(status, content)

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is written."""


class Stripe:
    """Stripe, as its dashboard and its members' cards see it."""

    def __init__(self, door: Door) -> None:
        self.door, self.http = door, door.behind

    def pay(self, reference: str, card: str = GOOD) -> int:
        """A member gives a card in the provider's form; the status that this is answered with."""
        means = self.card(card)
        self.http.post(f"/v1/payment_intents/{reference}", data={"payment_method": means})
        return self.http.post(f"/v1/payment_intents/{reference}/confirm").status_code

    def card(self, number: str = GOOD) -> str:
        fields = {"number": number, "exp_month": "12", "exp_year": "2040", "cvc": "123"}
        wish = {"type": "card", **{f"card[{name}]": value for name, value in fields.items()}}
        id: str = self.http.post("/v1/payment_methods", data=wish).json()["id"]
        return id

    def intent(self, reference: str) -> Any:
        return self.http.get(f"/v1/payment_intents/{reference}").json()

    def intents(self, payment_id: Any) -> list[Any]:
        """Those that were asked for by this id of ours."""
        found = self.http.get("/v1/payment_intents", params={"limit": 1_000}).json()["data"]
        return [one for one in found if one["metadata"].get("payment_id") == str(payment_id)]

    def refunds(self, reference: str) -> list[Any]:
        found: list[Any] = self.http.get("/v1/refunds", params={"payment_intent": reference}).json()["data"]
        return found

    def give_back(self, reference: str, cents: int) -> Any:
        """Somebody gives money back in the dashboard."""
        return self.http.post("/v1/refunds", data={"payment_intent": reference, "amount": cents}).json()

    def events(self, reference: str) -> list[Any]:
        """What it tells of an intent, oldest first."""
        found = self.http.get("/v1/events", params={"limit": 1_000}).json()["data"]
        return [one for one in found if one["data"]["object"]["id"] == reference]

    def tell(self, url: str) -> None:
        """Send every event there from now on."""
        wish = {"url": f"{url}/v1/webhooks/stripe", "secret": SECRET}
        assert self.http.post("/_config/webhooks/here", json=wish).status_code == 200


def event(type: str, object: Any, id: str = "evt_1") -> Any:
    """An event as Stripe sends it, of a type that its imitation does not send."""
    return {
        "id": id,
        "object": "event",
        "type": type,
        "api_version": "2026-10-28",
        "data": {"object": object},
    }


def dispute(reference: str, status: str, cents: int, id: str = "dp_1") -> Any:
    """A dispute, as recorded from Stripe's documentation of the object."""
    facts = {"currency": "eur", "reason": "fraudulent", "charge": "ch_1", "evidence": {}, "metadata": {}}
    return {
        "id": id,
        "object": "dispute",
        "payment_intent": reference,
        "status": status,
        "amount": cents,
        **facts,
    }


def signed(body: Any, *, secret: str = SECRET, age: float = 0) -> tuple[bytes, dict[str, str]]:
    """A body with the header that signs it, so many seconds ago."""
    text = body if isinstance(body, str) else json.dumps(body)
    at = int(time.time() - age)
    header = stripe.WebhookSignature.generate_signature_header(text, secret, at)
    return text.encode(), {"Stripe-Signature": header, "Content-Type": "application/json"}


@contextmanager
def imitation() -> Iterator[Stripe]:
    """A Stripe of one's own, on ports that were free; it ends with the block."""
    with socket(AF_INET6) as probe:
        probe.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        probe.bind(("::", 0))
        port = probe.getsockname()[1]
    command = (sys.executable, "-c", _PROGRAM, "--port", str(port), "--from-scratch")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        door = Door(f"http://127.0.0.1:{port}")
        thread = threading.Thread(target=door.serve_forever, daemon=True)
        thread.start()
        try:
            _wait_for(door.behind)
            yield Stripe(door)
        finally:
            door.shutdown()
            door.server_close()
            door.behind.close()
            process.terminate()
            process.wait(timeout=60)


_PROGRAM = (
    "from localstripe import resources, server; "
    "resources.Store.dump_to_disk = lambda store: None; "  # it would write a file that all would share
    "server.start()"
)


def _wait_for(client: httpx.Client) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if client.get("/v1/events").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise TimeoutError("localstripe")
