"""All parts, one after the other: what fails in one does not stop the others."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final

from app.core.config import Settings
from app.core.config.checks import check
from app.core.exceptions import AppError
from app.doctor.azure.blobs import blob_checks
from app.doctor.azure.cosmos import cosmos_checks
from app.doctor.azure.insights import insights_checks
from app.doctor.azure.personal import VoiceToMake, voice_checks
from app.doctor.azure.speech import speech_checks
from app.doctor.azure.vault import secret_checks, settings_without_vault
from app.doctor.azure.watching import Watch
from app.doctor.azure.words import chat_checks, translator_checks
from app.doctor.findings import Check, Finding, found, told
from app.machine import azure_options
from app.storage.stores import StorageOptions

Opening = Callable[[Settings, Watch], AbstractAsyncContextManager[Sequence[Check]]]


@dataclass(frozen=True, slots=True)
class _Part:
    """A service.

    Attributes:
        is_named: whether the settings name it.
        open: gives what is to be tried, and closes what that needs.
    """

    is_named: Callable[[Settings], bool]
    open: Opening


_PARTS: Final[Mapping[str, _Part]] = {
    "Blob Storage": _Part(lambda of: StorageOptions.of(of).chosen() == "azure", blob_checks),
    "Cosmos DB": _Part(lambda of: bool(of.cosmos_db_endpoint), cosmos_checks),
    "Speech": _Part(lambda of: azure_options(of) is not None, speech_checks),
    "Translator": _Part(lambda of: of.azure_translates, translator_checks),
    "Chat model": _Part(lambda of: of.chats, chat_checks),
    "Application Insights": _Part(
        lambda of: of.applicationinsights_connection_string is not None, insights_checks
    ),
}


async def examine_azure(voice: VoiceToMake | None = None) -> AsyncIterator[Finding]:
    """Look at all that the settings of this machine name.

    Args:
        voice: to be made by Azure AI Speech, and deleted.
    """
    settings, named = settings_without_vault()
    secrets: dict[str, str] = {}
    async for finding in found("Key Vault", secret_checks(settings, named, secrets), Watch()):
        yield finding
    settings, _ = settings_without_vault(secrets)
    yield _whole(settings, missing=len(named) - len(secrets))
    parts = {name: part.open for name, part in _PARTS.items() if part.is_named(settings)}
    if voice is not None:
        parts["Personal voice"] = lambda of, watch: voice_checks(of, voice)
    for name, opening in parts.items():
        async for finding in _examined(name, opening, settings):
            yield finding
    if not (parts or settings.key_vault_url):
        yield Finding("Azure", None, "no setting names a service of Azure.")


async def _examined(name: str, opening: Opening, settings: Settings) -> AsyncIterator[Finding]:
    watch = Watch()
    try:
        async with opening(settings, watch) as checks:
            async for finding in found(name, checks, watch):
                yield finding
    except AppError as error:  # a client could not even be made
        yield Finding(name, False, told(error))
    if watch.answered:
        yield Finding(f"{name}, answers", True, watch.words())


def _whole(settings: Settings, *, missing: int) -> Finding:
    """Whether a server would start with the settings."""
    if missing:
        return Finding("settings", None, "not looked at as a whole: secrets are missing.")
    try:
        check(settings)
    except AppError as error:
        return Finding("settings", False, told(error))
    return Finding("settings", True, "fit together.")
