"""401 and 403: who calls, and what they may."""

from app.core.exceptions.base import BEARER, AppError


class Unauthenticated(AppError):
    """Says nothing about which part was wrong beyond its code: the caller may be an attacker."""

    status, code, title = 401, "unauthenticated", "Who calls is not known"
    challenge = f'{BEARER}, error="invalid_token"'


class CredentialsMissing(Unauthenticated):
    code, title = "credentials-missing", "The request has no key and no token"
    challenge = BEARER


class KeyUnknown(Unauthenticated):
    code, title = "key-unknown", "The API key is not known, or was revoked"


class KeyExpired(Unauthenticated):
    code, title = "key-expired", "The API key has expired"
    challenge = f'{BEARER}, error="invalid_token", error_description="{title}"'


class TokenInvalid(Unauthenticated):
    code, title = "token-invalid", "The token cannot be accepted"


class TokenExpired(Unauthenticated):
    code, title = "token-expired", "The token has expired"
    challenge = f'{BEARER}, error="invalid_token", error_description="{title}"'


class Forbidden(AppError):
    """Carries `permission`, the one that is missing."""

    status, code, title = 403, "permission-missing", "The caller may not do this"
    challenge = f'{BEARER}, error="insufficient_scope"'


class Refused(AppError):
    """Whatever permissions the caller has."""

    status, code, title = 403, "refused", "This is not done here"


class Suspended(Refused):
    code, title = "suspended", "The caller is suspended"


class VoiceAccessMissing(Refused):
    code, title = "voice-access-missing", "The voice is not shared for that"


class TextBlocked(Refused):
    """Carries `matches`: offsets in the text without its markup, never what the list says."""

    code, title = "text-blocked", "The text may not be spoken here"


class SpeakerDenied(Refused):
    code, title = "speaker-denied", "This voice may not be cloned"


class ConsentRequired(Refused):
    code, title = "consent-required", "The speaker's consent is missing"


class VoiceSuspended(Refused):
    code, title = "voice-suspended", "The voice may not speak"
