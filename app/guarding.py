"""What stands against misuse, put together."""

from dataclasses import dataclass

from app.abuse.barred import Barred
from app.core.clock import Clock
from app.db.audit import AuditTrail
from app.db.base import Database
from app.jobs.board import JobBoard
from app.models.api_key import ApiKey
from app.models.batch import BatchItem
from app.models.suspension import Suspension
from app.models.voice import Voice
from app.services.suspensions import SuspensionService, SuspensionTools


@dataclass(frozen=True, slots=True)
class Guards:
    """What stands against misuse.

    Attributes:
        barred: says who is suspended, with every request.
    """

    barred: Barred
    suspensions: SuspensionService


def guards_of(database: Database, *, jobs: JobBoard, audit: AuditTrail, clock: Clock) -> Guards:
    barred = Barred(database.collection(Suspension), clock=clock)
    tools = SuspensionTools(
        suspensions=database.collection(Suspension),
        voices=database.collection(Voice),
        keys=database.collection(ApiKey),
        items=database.collection(BatchItem),
        jobs=jobs,
        barred=barred,
        audit=audit,
    )
    return Guards(barred=barred, suspensions=SuspensionService(tools))
