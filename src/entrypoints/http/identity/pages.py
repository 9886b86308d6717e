"""The pages that links of mails lead to: a form without scripts, that needs no front end of one's own.

Opening a link consumes nothing, as programs that scan mails open links; sending the form does. A front end
that has pages of its own takes over the same addresses, and posts to `/v1`.
"""

from collections.abc import Awaitable, Callable
from html import escape
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromPath

from ....application import identity
from ....application.identity import PATH, Gate
from ....domain import identity as rules
from ....domain import shared
from ..ask import device_of
from ..errors import status_of
from ..headers import request_id_of

AnyRequest = Request[Any, Any, State]
Fields = dict[str, str]
POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
STYLE = (
    "body{font:1.1rem/1.5 sans-serif;max-width:32rem;margin:3rem auto;padding:0 1rem}"
    "label,input,button{display:block;font:inherit;margin:.5rem 0}input{width:100%;box-sizing:border-box}"
    "code{overflow-wrap:anywhere}"
)
CHECK = "Vérifiez ce que vous avez saisi. / Look again at what you typed."


class Page(NamedTuple):
    """What a page asks for beside the token, and what sending it does: the sentence then shown."""

    title: str
    asks: tuple[tuple[str, str, str], ...]
    button: str
    send: Callable[[Fields, Gate, shared.Actor], Awaitable[str]]


async def _verify(fields: Fields, gate: Gate, actor: shared.Actor) -> str:
    await identity.verify_by_password(_wish(identity.VerifyByPassword, fields), gate, actor)
    return "Votre adresse est confirmée. / Your e-mail is verified."


async def _sign_in(fields: Fields, gate: Gate, actor: shared.Actor) -> str:
    if fields.get("challenge"):
        signed = await identity.second_step(_wish(identity.SecondStep, fields), gate, actor)
    else:
        signed = await identity.sign_in_by_mail(_wish(identity.SignInByMail, fields), gate, actor)
    return f"Votre session, montrée cette seule fois / Your session, shown this once: {signed.token}"


async def _reset(fields: Fields, gate: Gate, actor: shared.Actor) -> str:
    await identity.reset_password(_wish(identity.ResetPassword, fields), gate, actor)
    return "Votre mot de passe est changé. / Your password is changed."


PASSWORD = ("password", "password", "Votre mot de passe / Your password")
NEW_PASSWORD = ("password", "password", "Nouveau mot de passe / New password")
FACTOR = ("code", "text", "Code du second facteur / Code of your second factor")
CONFIRM = "Confirmez votre adresse / Confirm your e-mail"
PAGES: dict[str, Page] = {
    "verify": Page(CONFIRM, (PASSWORD,), "Confirmer / Confirm", _verify),
    "add_email": Page(CONFIRM, (PASSWORD,), "Confirmer / Confirm", _verify),
    "sign_in": Page("Connexion / Sign in", (), "Se connecter / Sign in", _sign_in),
    "reset": Page("Mot de passe / Password", (NEW_PASSWORD,), "Changer / Change", _reset),
}


@get(f"{PATH}/{{purpose:str}}", include_in_schema=False, sync_to_thread=False)
def show(purpose: FromPath[str], request: AnyRequest) -> Response[str]:
    """The form of a link. Raises NotFound."""
    page = _page(purpose)
    return _form(page, purpose, {"token": request.query_params.get("token", "")})


@post(f"{PATH}/{{purpose:str}}", include_in_schema=False)
async def send(purpose: FromPath[str], request: AnyRequest) -> Response[str]:
    """What the form does; the form again, with a reason, where it is refused. Raises NotFound and
    RateLimited."""
    page, scope = _page(purpose), request.scope
    fields = await _fields(request)
    actor = shared.Actor(address=scope["state"]["address"], request_id=request_id_of(scope))
    try:
        said = await page.send(fields, request.app.state.gate, actor)
    except rules.SecondFactorNeeded as more:
        asked = page._replace(asks=(FACTOR,))
        return _form(asked, purpose, {"challenge": more.challenge}, str(more), status_of(type(more)))
    except shared.DomainError as error:
        held: Fields = {name: fields[name] for name in ("token", "challenge") if name in fields}
        asked = page._replace(asks=(FACTOR,)) if "challenge" in held else page
        return _form(asked, purpose, held, str(error), status_of(type(error)))
    except msgspec.ValidationError:
        return _form(page, purpose, {"token": fields.get("token", "")}, CHECK, 400)
    return _answer(page.title, f"<p><code>{escape(said)}</code></p>", 200)


async def _fields(request: AnyRequest) -> Fields:
    """What the form says, and the program that sends it. Counted like what strangers send to the API, and
    before it is read. Raises RateLimited."""
    scope, limits = request.scope, request.app.state.door.limits
    scope["state"]["standing"] = limits.by_credential(None, scope["state"]["network"], scope["method"])
    said = parse_qs((await request.body()).decode("latin-1"))
    device = device_of(dict(scope["headers"]).get(b"user-agent"))
    return {name: values[0] for name, values in said.items()} | {"device": device}


def _wish(kind: type[shared.R], fields: Fields) -> shared.R:
    """The command of the fields that it has. Raises msgspec.ValidationError."""
    return msgspec.convert({name: fields[name] for name in kind.__struct_fields__ if name in fields}, kind)


def _page(purpose: str) -> Page:
    if purpose not in PAGES:
        raise shared.NotFound(kind="page", id=purpose)
    return PAGES[purpose]


def _form(page: Page, purpose: str, hidden: Fields, said: str = "", status: int = 200) -> Response[str]:
    inputs = [
        f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in hidden.items()
    ]
    for name, kind, label in page.asks:
        attributes = f'type="{kind}" name="{name}" required maxlength="200" autocomplete="off"'
        inputs.append(f"<label>{label}<input {attributes}></label>")
    told = f"<p>{escape(said)}</p>" if said else ""
    action = f'<form method="post" action="{PATH}/{purpose}">'
    return _answer(
        page.title, f"{told}{action}{''.join(inputs)}<button>{page.button}</button></form>", status
    )


def _answer(title: str, inside: str, status: int) -> Response[str]:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    body = f'<!doctype html><html lang="fr">{head}<style>{STYLE}</style><h1>{title}</h1>{inside}</html>'
    headers = {"content-security-policy": POLICY, "cache-control": "no-store"}
    return Response(body, status_code=status, media_type="text/html", headers=headers)
