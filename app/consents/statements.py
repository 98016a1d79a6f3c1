"""What a speaker reads aloud to agree, in several languages, with a code that is good for minutes.

The wording is our own. It names the speaker, who will use the voice, and that it will be synthetic;
the purpose is written in the record, not spoken.
"""

import secrets
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from app.core.exceptions import UnsupportedLanguage
from app.text.languages import primary

CODE_DIGITS: Final = 6
_STATEMENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ar": "أنا {speaker}، أوافق على أن تُنشئ {company} نسخة اصطناعية من صوتي وأن تستخدمها. الرمز هو {code}.",
        "de": "Ich, {speaker}, bin damit einverstanden, dass {company} eine künstliche Fassung meiner Stimme "
        "erzeugt und verwendet. Mein Code ist {code}.",
        "en": "I, {speaker}, agree that {company} may create a synthetic copy of my voice and use it. "
        "My code is {code}.",
        "es": "Yo, {speaker}, acepto que {company} cree una copia sintética de mi voz y la utilice. "
        "Mi código es {code}.",
        "fr": "Moi, {speaker}, j'accepte que {company} crée une copie synthétique de ma voix et l'utilise. "
        "Mon code est {code}.",
        "hi": "मैं, {speaker}, सहमत हूँ कि {company} मेरी आवाज़ की कृत्रिम प्रति बनाए और उसका उपयोग करे। "
        "मेरा कोड है {code}।",
        "it": "Io, {speaker}, accetto che {company} crei una copia sintetica della mia voce e la utilizzi. "
        "Il mio codice è {code}.",
        "ja": "私、{speaker}は、{company}が私の声の合成音声を作成し、使用することに同意します。"
        "コードは{code}です。",
        "nl": "Ik, {speaker}, ga ermee akkoord dat {company} een kunstmatige kopie van mijn stem maakt en "
        "gebruikt. Mijn code is {code}.",
        "pl": "Ja, {speaker}, zgadzam się, aby {company} stworzyła syntetyczną kopię mojego głosu i jej "
        "używała. Mój kod to {code}.",
        "pt": "Eu, {speaker}, concordo que {company} crie uma cópia sintética da minha voz e a utilize. "
        "O meu código é {code}.",
        "zh": "我，{speaker}，同意{company}制作并使用我的合成声音。我的验证码是{code}。",
    }
)


def languages() -> tuple[str, ...]:
    """Primary subtags of those that there is a statement in."""
    return tuple(_STATEMENTS)


def new_code() -> str:
    """Digits that nobody can guess beforehand."""
    return "".join(str(secrets.randbelow(10)) for _ in range(CODE_DIGITS))


def statement(language: str, *, speaker: str, company: str, code: str) -> str:
    """What is read aloud; the digits of the code stand apart.

    Args:
        language: BCP-47 tag.

    Raises:
        UnsupportedLanguage: there is no statement in it.
    """
    text = _STATEMENTS.get(primary(language))
    if text is None:
        raise UnsupportedLanguage(
            f"There is no statement in {language[:35]}.", f"There are: {', '.join(_STATEMENTS)}."
        )
    return text.format(speaker=speaker, company=company, code=" ".join(code))


@cache
def spoken_digits(language: str) -> Mapping[str, str]:
    """Words of a language to the digits that they are: `four` -> `4`; few where it is not known."""
    from num2words import num2words

    words: dict[str, str] = {}
    for digit in range(10):
        try:
            words[num2words(digit, lang=primary(language)).casefold()] = str(digit)
        except NotImplementedError:
            break
    return MappingProxyType(words)
