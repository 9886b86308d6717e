"""What schemathesis asks with: credentials that are good, and now and then ids of what is there.

Read by the program `schemathesis` (SCHEMATHESIS_HOOKS). Whoever signs out, or is suspended or erased by a
request, goes on with the next session of the list.
"""

import atexit
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import schemathesis

FOLDER = Path(os.environ["BAOBAB_FUZZ"])
SECRETS = json.loads((FOLDER / "secrets.json").read_text())
"""`tokens`: sessions of one role, `ids`: what is there, by the name of its parameter or field."""
OFTEN = 3
"""Of so many ids all but one are those of something that is there."""
turn = {"token": 0, "id": 0}
statuses: Counter[int] = Counter()


def real(name: str, value: Any) -> Any:
    """The value, or the id of something that is there."""
    known = SECRETS["ids"].get(name)
    if not known:
        return value
    turn["id"] += 1
    return value if turn["id"] % OFTEN == 0 else known[turn["id"] % len(known)]


@schemathesis.hook
def map_case(context: Any, case: Any) -> Any:
    """Real ids in the path, the query and the body."""
    for part in (case.path_parameters, case.query):
        if isinstance(part, dict):
            part.update({name: real(name, value) for name, value in part.items()})
    if isinstance(case.body, dict):
        case.body.update({name: real(name, value) for name, value in case.body.items()})
    return case


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Who asks."""
    if SECRETS["tokens"]:
        token = SECRETS["tokens"][turn["token"] % len(SECRETS["tokens"])]
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Count the answer, and go on with another session where this one has ended."""
    statuses[response.status_code] += 1
    if response.status_code == 401 and b'"unauthenticated"' in response.content:
        turn["token"] += 1


@atexit.register
def tell() -> None:
    """Say how often each status came."""
    (FOLDER / "statuses.json").write_text(json.dumps(statuses))
