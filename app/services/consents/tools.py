"""What the services of consents work with, and what comes in."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from app.audio.ears import Ears
from app.consents.desk import ConsentDesk
from app.consents.listening import ConsentListener
from app.core.admission import Admission
from app.core.clock import WallClock, utc_now
from app.db.audit import AuditTrail
from app.db.base import Collection, every
from app.engines.base import AgreementBound
from app.jobs.board import JobBoard
from app.models.consent import Consent, ConsentChallenge
from app.models.voice import Voice, VoiceSample
from app.storage.base import BlobStore

TRIES: Final = 20
"""When others change the same record."""
PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class ConsentOrder:
    """What a caller sends.

    Attributes:
        statement_id: of the statement that was read; None without a recording.
        read: gives the recording; None without one. Blocks. size: of it, in bytes.
        read_provider, provider_size: the same of the recording of the provider's statement.
        signed_by: who states that the speaker agrees, where there is no recording.
        voice_ids: of voices that get the consent at once, if it is verified.
    """

    speaker: str
    company: str
    language: str
    purpose: str
    statement_id: str | None = None
    read: Callable[[], bytes] | None = field(default=None, repr=False)
    size: int = 0
    read_provider: Callable[[], bytes] | None = field(default=None, repr=False)
    provider_size: int = 0
    signed_by: str | None = None
    voice_ids: Sequence[str] = ()


@dataclass(frozen=True)
class ConsentTools:
    """What the service works with.

    Attributes:
        erase: deletes a voice of an owner, with all that belongs to it.
        code_for: so long a statement can be read.
        erase_after: so long after a revocation consent and voices are erased.
        bound: the engine, if its provider wants to hear a statement of its own.
    """

    consents: Collection[Consent]
    challenges: Collection[ConsentChallenge]
    voices: Collection[Voice]
    samples: Collection[VoiceSample]
    recordings: BlobStore
    ears: Ears
    desk: ConsentDesk
    listener: ConsentListener
    jobs: JobBoard
    audit: AuditTrail
    admission: Admission
    erase: Callable[[str, str], Awaitable[object]]
    code_for: timedelta
    erase_after: timedelta
    bound: AgreementBound | None = None
    clock: WallClock = utc_now

    def voices_of(self, consent: Consent) -> AsyncIterator[Voice]:
        """The voices that have it."""
        where = {"consent_id": consent.id}
        return every(lambda cursor: self.voices.list(where=where, limit=PAGE, cursor=cursor))
