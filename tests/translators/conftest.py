from tests.azure_fake.fixtures import azure, chat, chat_site, translator_site

__all__ = ["azure", "chat", "chat_site", "translator_site"]
