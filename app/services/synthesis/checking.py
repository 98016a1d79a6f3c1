"""What is wrong with many requests, each told by itself."""

from collections.abc import Sequence

from app.core.exceptions import AppError
from app.planning.draft import Draft
from app.planning.plan import Plan
from app.planning.surroundings import Surroundings


async def planned(around: Surroundings, draft: Draft | AppError) -> Plan | AppError:
    """A plan, or why there is none."""
    if isinstance(draft, AppError):
        return draft
    try:
        return await around.plan(draft)
    except AppError as error:
        return error


def errors_of(plans: Sequence[Plan | AppError]) -> list[AppError | None]:
    """What is wrong with each."""
    errors: list[AppError | None] = []
    for plan in plans:
        try:
            if isinstance(plan, AppError):
                raise plan
            plan.check()
            errors.append(None)
        except AppError as error:
            errors.append(error)
    return errors
