"""Whether a voice may speak: what the operator asks for, and whether anybody has stopped it."""

from dataclasses import dataclass
from typing import Literal

from app.core.config.trust import ConsentPolicy
from app.core.exceptions import ConsentRequired, VoiceSuspended
from app.models.consent import ConsentMethod
from app.models.voice import REVOKED, Voice

Standing = Literal["permitted", "pending-consent", "suspended"]


@dataclass(frozen=True, slots=True)
class Permit:
    """The rule for all voices.

    Attributes:
        policy: what a voice needs.
        operator_attests: whether nobody but who runs the service can call it; then `attest` is
            their own statement, and no voice needs another one.
    """

    policy: ConsentPolicy
    operator_attests: bool

    def standing(self, voice: Voice) -> Standing:
        """How things stand with a voice."""
        if voice.suspended is not None:
            return "suspended"
        return "permitted" if self._agreed(voice) else "pending-consent"

    def check(self, voice: Voice) -> None:
        """Let it speak.

        Raises:
            ConsentRequired: it lacks what the operator asks for.
            VoiceSuspended: somebody has stopped it.
        """
        self.check_not_suspended(voice)
        if not self._agreed(voice):
            raise ConsentRequired(
                "The voice has no consent of its speaker.",
                "POST /api/v1/consents takes the speaker's recording of the statement that GET "
                "/api/v1/consents/statement gives, with this voice's id."
                if self.policy == "recorded"
                else "POST /api/v1/consents takes your statement that the speaker agrees, with "
                "this voice's id.",
            )

    def check_not_suspended(self, voice: Voice) -> None:
        """Raise `VoiceSuspended` if somebody has stopped a voice: nothing is made of it either."""
        check_not_revoked(voice)
        if voice.suspended is not None:
            raise VoiceSuspended(
                "The voice was suspended.", "Those who run the service have done so: ask them."
            )

    def _agreed(self, voice: Voice) -> bool:
        if self.policy == "off":
            return True
        if self.policy == "attest" and self.operator_attests:
            return True
        needed = {ConsentMethod.RECORDED}
        if self.policy == "attest":
            needed.add(ConsentMethod.ATTESTED)
        return voice.consent_method in needed


def check_not_revoked(voice: Voice) -> None:
    """Raise `VoiceSuspended` if the consent of a voice was revoked: it does not come back."""
    if voice.suspended == REVOKED:
        raise VoiceSuspended(
            "The speaker's consent was revoked.",
            "Nobody can lift that; register the voice anew with a new consent.",
        )
