"""Shares and time."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from app.core.config import Settings
from app.core.exceptions import InvalidRequest, VoiceNotFound
from app.db.audit import AuditTrail
from app.db.voices import VoiceReach
from app.models.access import LOCAL, Party
from app.models.share import MOST_SHARES, NewShare, SharedAccess, VoiceAccess, VoiceShare
from app.models.voice import Voice
from app.services.sharing import SharingService
from app.services.voices import Upload
from tests.conftest import recording
from tests.services.parts import OWNER, parts

pytestmark = pytest.mark.anyio


async def test_a_share_ends_when_its_time_has_come(settings: Settings) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    async with parts(settings) as made:
        assert made.database is not None
        voices, shares = made.database.collection(Voice), made.database.collection(VoiceShare)
        audit = AuditTrail(made.events)
        sharing = SharingService(shares=shares, audit=audit, clock=lambda: now)
        reach = VoiceReach(voices, shares, clock=lambda: now)
        voice = await made.service().register(OWNER, Upload(recording(), "a.wav"))
        bob = Party("bob", frozenset({"team"}))
        day = now + timedelta(days=1)
        await sharing.share(
            voice,
            NewShare(user="bob", access=SharedAccess.MANAGE, expires_at=day),
            by=LOCAL,
        )
        later = day + timedelta(days=1)
        await sharing.share(voice, NewShare(group="team", expires_at=later), by=LOCAL)

        assert (await reach.look_up(bob, voice.id))[1] is VoiceAccess.MANAGE
        now = day
        assert (await reach.look_up(bob, voice.id))[1] is VoiceAccess.USE
        assert await reach.shared_with(bob) == {voice.id: VoiceAccess.USE}
        now = later
        with pytest.raises(VoiceNotFound):
            await reach.find(bob, voice.id)
        assert await reach.shared_with(bob) == {}
        assert len(await sharing.list(voice)) == 2


async def test_a_voice_is_shared_with_so_many_at_most(settings: Settings) -> None:
    async with parts(settings) as made:
        assert made.database is not None
        shares = made.database.collection(VoiceShare)
        sharing = SharingService(shares=shares, audit=AuditTrail(made.events))
        voice = await made.service().register(OWNER, Upload(recording(), "a.wav"))
        first = await sharing.share(voice, NewShare(user="bob"), by=LOCAL)
        more = (
            first.model_copy(update={"id": str(uuid4()), "grantee": f"user:{number}"})
            for number in range(1, MOST_SHARES)
        )
        await shares.add_all(list(more))

        with pytest.raises(InvalidRequest):
            await sharing.share(voice, NewShare(user="eve"), by=LOCAL)

        again = NewShare(user="bob", access=SharedAccess.MANAGE)
        assert (await sharing.share(voice, again, by=LOCAL)).id == first.id
