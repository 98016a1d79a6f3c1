"""Calls of the fakes are held against the descriptions that Azure publishes.

A request must be of an operation that is described, with the parameters, content and body that it
asks for, and an answer of the fake (not a fault that a test has ordered) must have a status and a
body that are described. What does not is answered with 599 and the reason, and noted in
`violations`, which fails the test. `descriptions` has what is described, and what is excepted.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from tests.azure_fake import violations
from tests.azure_fake.descriptions import (
    BESIDES,
    SAME_SHAPES,
    Contract,
    Operation,
    contract,
)
from tests.azure_fake.faults import App, Message, Receive, Scope, Send

WRONG = 599


class Published:
    """Judges the calls of a fake.

    Args:
        names: of its contracts.
        before: what may stand before their paths.

    Calls whose path begins like none of a contract are not judged.
    """

    def __init__(self, *names: str, before: Sequence[str] = ("",)) -> None:
        self._names = names
        self._before = sorted(before, key=len, reverse=True)

    async def heard(self, scope: Scope, receive: Receive) -> "Heard | None":
        """A request, judged; None: of no contract."""
        path = unquote(scope["path"])
        contracts = [contract(name) for name in self._names]
        for before in self._before:
            found = [one for one in contracts if path.startswith(f"{before}{one.base}/")]
            if found:
                base = max((one.base for one in found), key=len)
                nearest = [one for one in found if one.base == base]
                return await _heard(nearest, before, scope, receive)
        return None


async def _heard(
    contracts: Sequence[Contract], before: str, scope: Scope, receive: Receive
) -> "Heard":
    body = await _body(receive)
    request = Request(scope, _again(body, receive))
    call = f"{request.method} {request.url.path}"
    asked = request.query_params.get("api-version")
    version = SAME_SHAPES.get(asked or "", asked)
    known = next((one for one in contracts if one.version == version), None)
    if known is None:
        return Heard(call, [f"api-version {asked!r} is not described"], _again(body, receive))
    found = known.find(request.method, request.url.path.removeprefix(before + known.base))
    if found is None:
        reason = f"no operation of {known.said['title']} {known.version}"
        return Heard(call, [reason], _again(body, receive), known)
    operation, in_path = found
    wrong = [
        *_wrong_values(known, operation.said.get("in_path", {}), list(in_path.items()), "path"),
        *_wrong_query(known, operation, request),
        *_wrong_headers(known, operation, request),
    ]
    wrong += await _wrong_content(known, operation, request, body)
    return Heard(call, wrong, _again(body, receive), known, operation)


@dataclass(frozen=True)
class Heard:
    """A request. `wrong`: what is wrong with it. `receive`: it once more."""

    call: str
    wrong: Sequence[str]
    receive: Receive
    contract: Contract | None = None
    operation: Operation | None = None

    async def refuse(self, send: Send, wrong: Sequence[str] | None = None) -> None:
        """Note what is wrong, and answer with it."""
        reasons = [f"{self.call}: {one}" for one in wrong or self.wrong]
        for reason in reasons:
            violations.note(reason)
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        await send({"type": "http.response.start", "status": WRONG, "headers": headers})
        await send({"type": "http.response.body", "body": "\n".join(reasons).encode()})

    def over(self, app: App) -> App:
        """The fake, whose answer is judged before it is sent."""

        async def judged(scope: Scope, receive: Receive, send: Send) -> None:
            held: list[Message] = []

            async def hold(message: Message) -> None:
                held.append(message)

            await app(scope, receive, hold)
            wrong = [f"answer {one}" for one in self._wrong_answer(held)]
            if wrong:
                return await self.refuse(send, wrong)
            for message in held:
                await send(message)
            return None

        return judged

    def _wrong_answer(self, held: Sequence[Message]) -> Iterator[str]:
        assert self.contract is not None
        assert self.operation is not None
        status: int = held[0]["status"]
        answers: Mapping[str, Any] = self.operation.said["answers"]
        if str(status) not in answers and status < 400:
            yield f"{status}: not described"
            return
        schema = answers.get(str(status), answers.get("default"))
        content = b"".join(message.get("body", b"") for message in held[1:])
        if schema is None:
            if content:
                yield f"{status}: has a body"
            return
        try:
            document = json.loads(content)
        except ValueError:
            yield f"{status}: is not JSON"
            return
        for wrong in self.contract.wrong_in(document, schema, sent=False):
            yield f"{status} {wrong}"


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] != "http.request" or not message.get("more_body"):
            return body


def _again(body: bytes, receive: Receive) -> Receive:
    """The body at once, and what comes after it."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return first.pop() if first else await receive()

    return replayed


def _wrong_values(
    known: Contract,
    rules: Mapping[str, Mapping[str, Any]],
    given: Sequence[tuple[str, str]],
    where: str,
) -> Iterator[str]:
    """Parameters in texts. Lists are given by repeating them."""
    for name, rule in rules.items():
        values = [value for key, value in given if key == name]
        if not values and rule["required"]:
            yield f"{where} {name}: missing"
        if len(values) > 1 and rule["type"] != "array":
            yield f"{where} {name}: more than once"
        one = rule["items"] if rule["type"] == "array" else rule
        schema = {word: value for word, value in one.items() if word != "required"}
        for value in values:
            for wrong in known.wrong_in(_read(value, one["type"]), schema, sent=True):
                yield f"{where} {name} {wrong}"


def _read(text: str, kind: str) -> Any:
    """As what it is to be; a text if it is not that."""
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind == "number" and re.fullmatch(r"-?\d+(\.\d+)?", text):
        return float(text)
    return {"true": True, "false": False}.get(text, text) if kind == "boolean" else text


def _wrong_query(known: Contract, operation: Operation, request: Request) -> Iterator[str]:
    rules: Mapping[str, Any] = operation.said.get("query", {})
    given = parse_qsl(request.url.query, keep_blank_values=True)
    for name in sorted({name for name, _ in given} - set(rules)):
        yield f"query {name}: not described"
    yield from _wrong_values(known, rules, given, "query")


def _wrong_headers(known: Contract, operation: Operation, request: Request) -> Iterator[str]:
    rules: Mapping[str, Any] = operation.said.get("headers", {})
    given = [(name, request.headers[name]) for name in rules if name in request.headers]
    yield from _wrong_values(known, rules, given, "header")
    key = known.said["key_header"]
    signed = request.headers.get("authorization", "").startswith("Bearer ")
    if key and not signed and key not in request.headers:
        yield f"header {key}: missing, and no token either"


async def _wrong_content(
    known: Contract, operation: Operation, request: Request, body: bytes
) -> list[str]:
    said = operation.said
    if "consumes" not in said:
        return ["has a body, though none is described"] if body else []
    if not body:
        needed = said.get("body_required") or "form" in said
        return ["body: missing"] if needed else []
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in said["consumes"]:
        return [f"content type {kind!r}, not {' or '.join(said['consumes'])}"]
    if "form" in said:
        async with request.form() as form:
            return list(_wrong_form(known, operation, form))
    try:
        document = json.loads(body)
    except ValueError:
        return ["body: is not JSON"]
    return [f"body {one}" for one in known.wrong_in(document, said["body"], sent=True)]


def _wrong_form(known: Contract, operation: Operation, form: FormData) -> Iterator[str]:
    rules = {**operation.said["form"], **BESIDES.get(operation.name, {})}
    files = {name for name, rule in rules.items() if rule["type"] == "file"}
    texts: list[tuple[str, str]] = []
    for name, value in form.multi_items():
        if name not in rules:
            yield f"field {name}: not described"
        elif isinstance(value, UploadFile) != (name in files):
            yield f"field {name}: {'no file' if name in files else 'a file'}"
        elif not isinstance(value, UploadFile):
            texts.append((name, value))
        elif value.size is not None and value.size > rules[name].get("x-max-bytes", value.size):
            yield f"field {name}: too large"
    given = {name for name, _ in form.multi_items()}
    for name in sorted(files - given):
        if rules[name]["required"]:
            yield f"field {name}: missing"
    plain = {name: rule for name, rule in rules.items() if name not in files}
    yield from _wrong_values(known, plain, texts, "field")
