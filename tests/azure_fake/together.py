"""All fakes at once, and the settings that name them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.azure_fake import chat, cosmos, speech, translator
from tests.azure_fake.professional import container_url
from tests.azure_fake.serving import served
from tests.azure_fake.vault import TENANT, Vault, vault

SPEECH_SECRET = "azure-speech-key"  # noqa: S105 - a name


@dataclass(frozen=True)
class Fakes:
    """What each keeps, and its knobs.

    Attributes:
        settings: by the names of their variables.
        environment: what else the service needs: it must believe the vault's certificate.
    """

    vault: Vault
    speech: speech.SpeechFake
    translator: translator.TranslatorState
    chat: chat.ChatState
    cosmos: cosmos.State
    settings: dict[str, str]
    environment: dict[str, str]


@contextmanager
def running(folder: Path) -> Iterator[Fakes]:
    """They run. `folder` gets the vault's certificate."""
    words, model, records = translator.TranslatorState(), chat.ChatState(), cosmos.State()
    with ExitStack() as stack:
        keys = stack.enter_context(vault(folder))
        keys.secrets[SPEECH_SECRET] = speech.KEY
        voices = stack.enter_context(speech.speech_service())
        settings = {
            "KEY_VAULT_URL": keys.url,
            "KEY_VAULT_CLIENT_ID": "an-application",
            "KEY_VAULT_CLIENT_SECRET": "any but the word that is wrong",
            "KEY_VAULT_TENANT_ID": TENANT,
            "AZURE_AUTHORITY": keys.url,
            "VOICE_ENGINE": "azure",
            "AZURE_SPEECH_ENDPOINT": voices.url,
            "AZURE_SPEECH_KEY": f"kv:{SPEECH_SECRET}",
            "AZURE_SPEECH_TRAINING": "true",
            "AZURE_SPEECH_TRAINING_CONTAINER_URL": container_url(voices.url),
            "AZURE_TRANSLATOR_ENDPOINT": stack.enter_context(
                served(translator.translator_app(words))
            ),
            "AZURE_TRANSLATOR_KEY": translator.KEY,
            "AZURE_TRANSLATOR_REGION": translator.REGION,
            "AZURE_OPENAI_ENDPOINT": stack.enter_context(served(chat.chat_app(model))),
            "AZURE_OPENAI_API_KEY": chat.KEY,
            "AZURE_OPENAI_DEPLOYMENT": chat.MODEL,
            "COSMOS_DB_ENDPOINT": stack.enter_context(served(cosmos.cosmos_app(records))),
            "COSMOS_DB_KEY": records.key,
        }
        trusted = {"REQUESTS_CA_BUNDLE": str(folder / "ca.pem")}
        yield Fakes(keys, voices, words, model, records, settings, trusted)
