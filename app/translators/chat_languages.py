"""The languages that chat models are asked for, with their names by the CLDR."""

from typing import Final

from app.translators.base import Language

_TABLE: Final = """\
af; Afrikaans; Afrikaans
am; Amharic; አማርኛ
ar; Arabic; العربية
az; Azerbaijani; azərbaycan
be; Belarusian; беларуская
bg; Bulgarian; български
bn; Bangla; বাংলা
bs; Bosnian; bosanski
ca; Catalan; català
cs; Czech; čeština
cy; Welsh; Cymraeg
da; Danish; dansk
de; German; Deutsch
el; Greek; Ελληνικά
en; English; English
en-GB; English (United Kingdom); English (United Kingdom)
es; Spanish; español
et; Estonian; eesti
eu; Basque; euskara
fa; Persian; فارسی
fi; Finnish; suomi
fil; Filipino; Filipino
fr; French; français
fr-CA; French (Canada); français (Canada)
ga; Irish; Gaeilge
gl; Galician; galego
gu; Gujarati; ગુજરાતી
he; Hebrew; עברית
hi; Hindi; हिन्दी
hr; Croatian; hrvatski
hu; Hungarian; magyar
hy; Armenian; հայերեն
id; Indonesian; Indonesia
is; Icelandic; íslenska
it; Italian; italiano
ja; Japanese; 日本語
ka; Georgian; ქართული
kk; Kazakh; қазақ тілі
km; Khmer; ខ្មែរ
kn; Kannada; ಕನ್ನಡ
ko; Korean; 한국어
lo; Lao; ລາວ
lt; Lithuanian; lietuvių
lv; Latvian; latviešu
mk; Macedonian; македонски
ml; Malayalam; മലയാളം
mn; Mongolian; монгол
mr; Marathi; मराठी
ms; Malay; Melayu
my; Burmese; မြန်မာ
nb; Norwegian Bokmål; norsk bokmål
ne; Nepali; नेपाली
nl; Dutch; Nederlands
pa; Punjabi; ਪੰਜਾਬੀ
pl; Polish; polski
ps; Pashto; پښتو
pt; Portuguese; português
pt-PT; Portuguese (Portugal); português (Portugal)
ro; Romanian; română
ru; Russian; русский
si; Sinhala; සිංහල
sk; Slovak; slovenčina
sl; Slovenian; slovenščina
sq; Albanian; shqip
sr-Cyrl; Serbian (Cyrillic); српски (ћирилица)
sr-Latn; Serbian (Latin); srpski (latinica)
sv; Swedish; svenska
sw; Swahili; Kiswahili
ta; Tamil; தமிழ்
te; Telugu; తెలుగు
th; Thai; ไทย
tr; Turkish; Türkçe
uk; Ukrainian; українська
ur; Urdu; اردو
uz; Uzbek; o‘zbek
vi; Vietnamese; Tiếng Việt
yue; Cantonese; 粵語
zh-Hans; Chinese (Simplified); 中文 (简体)
zh-Hant; Chinese (Traditional); 中文 (繁體)
zu; Zulu; isiZulu
"""

LANGUAGES: Final = tuple(Language(*line.split("; ")) for line in _TABLE.splitlines())
