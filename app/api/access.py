"""Who may call which route. Every route has a rule: one without is an error at start.

The rule is applied before the body of the request is read.
"""

import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any, Final, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute

from app.api import rates
from app.api.errors import also, problems
from app.context import AppContext
from app.core.exceptions import (
    CredentialsMissing,
    DatabaseError,
    Forbidden,
    IdentityError,
    InvalidRequest,
    KeyExpired,
    KeyUnknown,
    RateLimited,
    Suspended,
    TokenExpired,
    TokenInvalid,
    Unauthenticated,
)
from app.core.logging import actor
from app.limits.base import Rate
from app.models.access import LOCAL, MONITORING, Party, Permission, Principal
from app.models.base import OWNER_FORM
from app.services.access import bearer_token

EndpointT = TypeVar("EndpointT", bound=Callable[..., Any])

OWNER_HEADER: Final = "X-Owner"
PERMISSION_KEY: Final = "x-permission"
"""Member of each operation in the OpenAPI document: the permission it asks for, or `public`."""
PUBLIC: Final = "public"

_ATTRIBUTE = "access_rule"
_OWNER = re.compile(OWNER_FORM)
_PROBLEMS = problems(
    CredentialsMissing,
    KeyUnknown,
    KeyExpired,
    TokenInvalid,
    TokenExpired,
    Forbidden,
    Suspended,
    RateLimited,
    IdentityError,
    DatabaseError,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a route asks for. No permission: anybody may call it, as often as they like."""

    permission: Permission | None
    rate: Rate = Rate.DEFAULT


def access(permission: Permission, rate: Rate = Rate.DEFAULT) -> Callable[[EndpointT], EndpointT]:
    """The caller needs a permission. Stands under the decorator of the route."""
    return _with_rule(Rule(permission, rate))


def public(endpoint: EndpointT) -> EndpointT:
    """Anybody may call it."""
    return _with_rule(Rule(None))(endpoint)


def _with_rule(rule: Rule) -> Callable[[EndpointT], EndpointT]:
    def mark(endpoint: EndpointT) -> EndpointT:
        setattr(endpoint, _ATTRIBUTE, rule)
        return endpoint

    return mark


class GuardedRoute(APIRoute):
    """A route with a rule. Give it to each router: `APIRouter(route_class=GuardedRoute)`."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        rule = getattr(endpoint, _ATTRIBUTE, None)
        if not isinstance(rule, Rule):
            raise TypeError(f"the route {path} has no rule: mark it with @access or @public")
        self.rule = rule
        extra = {PERMISSION_KEY: rule.permission or PUBLIC}
        if rule.permission is not None:
            options["responses"] = also(_PROBLEMS, options.get("responses") or {})
            extra["security"] = [{"bearer": []}, {"api_key": []}]  # type: ignore[assignment]
        options["openapi_extra"] = (options.get("openapi_extra") or {}) | extra
        super().__init__(path, endpoint, **options)
        # "$" also fits before a line end: "/history/%0A" would be the list, not an entry.
        self.path_regex = re.compile(self.path_regex.pattern.removesuffix("$") + r"\Z")

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            request.state.route = (
                self.path_format
            )  # copies of the scope share it, e.g. those for HEAD
            await _admit(request, self.rule)
            return await handle(request)

        return guarded


async def _admit(request: Request, rule: Rule) -> None:
    """Find out who calls, leave it in `request.state.principal`, and count the request.

    Raises:
        Unauthenticated, Suspended, Forbidden, RateLimited, IdentityError, DatabaseError: the
            request ends here.
    """
    if rule.permission is None:
        return
    context: AppContext = request.app.state.context
    await rates.check_address(request)
    try:
        known = _monitoring(request)
        principal = known or await context.access.authenticate(request.headers)
    except Unauthenticated:
        await rates.count_failure(request)
        raise
    request.state.principal = principal
    actor.set(principal.subject)
    if principal not in (LOCAL, MONITORING):  # nobody can suspend these
        await context.guards.barred.check(principal)
    check(principal, rule.permission)
    owner_of(request)  # refused now, not when a long body has been read
    await rates.spend(request, rule.rate)


def _monitoring(request: Request) -> Principal | None:
    """Who sends METRICS_TOKEN, and may read metrics but nothing else."""
    token = request.app.state.context.settings.metrics_token
    given = bearer_token(request.headers)
    if token is None or given is None:
        return None
    known = compare_digest(given.encode(), token.get_secret_value().encode())
    return MONITORING if known else None


def check(principal: Principal, permission: Permission) -> None:
    """Raise `Forbidden` unless the caller has the permission."""
    if not principal.may(permission):
        raise Forbidden(
            f"The permission `{permission}` is missing.",
            "Ask an administrator for a role that has it: docs/security.md lists them.",
            permission=permission,
        )


def owner_of(request: Request) -> str:
    """Whose records the request is about: the caller's own, or those of `X-Owner`.

    Raises:
        Forbidden: the caller may not act for others.
        InvalidRequest: nobody can be called so.
    """
    principal: Principal = request.state.principal
    wanted = request.headers.get(OWNER_HEADER)
    if wanted is None or wanted == principal.owner:
        return principal.owner
    check(principal, Permission.OWNERS_ANY)
    if not _OWNER.fullmatch(wanted):
        raise InvalidRequest(
            f"`{OWNER_HEADER}` must have 1 to 200 visible ASCII characters.",
            "An owner is named as in the list of keys, or as `TENANT/OBJECT` of Entra ID.",
        )
    return wanted


def party_of(request: Request) -> Party:
    """In whose name the request is made. Who acts for another owner is in no group then.

    Raises:
        as `owner_of`
    """
    principal: Principal = request.state.principal
    owner = owner_of(request)
    return Party(owner, principal.groups if owner == principal.owner else frozenset())
