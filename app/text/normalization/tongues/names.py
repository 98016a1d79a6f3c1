"""Names of months, units and currencies in a language: CLDR's, and where they differ our own."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property
from typing import Any

from app.text.normalization.tongues.tongue import Currency, Tongue, listed
from app.text.normalization.tongues.units import UNITS

_CODES = listed(
    "USD EUR GBP JPY CHF CNY INR BRL MXN CAD AUD NZD ARS COP CLP PEN UYU SEK NOK DKK PLN CZK HUF "
    "RON TRY RUB UAH KRW HKD SGD ZAR MAD EGP ILS SAR AED THB IDR MYR PHP VND PKR BDT LKR NPR"
)
_SIGNS = {"₽": "RUB", "₺": "TRY", "₩": "KRW", "₴": "UAH", "₪": "ILS", "₫": "VND", "US$": "USD"}


class Names:
    """Of one language. Loads what it needs of CLDR with its first question."""

    def __init__(self, tongue: Tongue) -> None:
        self._tongue = tongue
        self._locale_name = tongue.locale

    @property
    def codes(self) -> tuple[str, ...]:
        """Of currencies that only CLDR names."""
        return (*_CODES, *_SIGNS)

    @cached_property
    def units(self) -> Mapping[str, str]:
        return {**UNITS, **self._tongue.symbols}

    @cached_property
    def months(self) -> tuple[str, ...]:
        names = self._months("wide")
        return tuple(dict.fromkeys([*names, *(name.replace("़", "") for name in names)]))

    @cached_property
    def short_months(self) -> tuple[str, ...]:
        return tuple(name.rstrip(".॰") for name in self._months("abbreviated"))

    def month(self, number: int) -> str:
        return self._months("wide")[number - 1]

    def number_of_month(self, name: str) -> int:
        plain = name.lower().replace("़", "").rstrip(".॰")
        for names in (self._months("wide"), self.short_months):
            for number, known in enumerate(names, 1):
                if known.lower().replace("़", "") == plain:
                    return number
        raise KeyError(name)

    def unit(self, written: str, number: Decimal | int) -> str:
        """Its name behind that number."""
        from babel.units import format_unit

        own = self._tongue.units.get(written)
        if own:
            return own[0] if abs(number) == 1 else own[1]
        one = self._locale.plural_form(abs(number)) == "one"
        figure = 1 if one else 2
        named = format_unit(figure, self.units[written], "long", locale=self._locale)
        return " ".join(named.replace(str(figure), "").split())

    def currency(self, written: str) -> Currency:
        from babel.numbers import get_currency_name

        own = self._tongue.currencies.get(written)
        if own is None and written == "US$":
            own = self._tongue.currencies["$"]
        if own:
            return own
        code = _SIGNS.get(written, written)
        one, many = (get_currency_name(code, count=n, locale=self._locale).strip() for n in (1, 2))
        # Portuguese writes them with capitals, which are not heard but seen in the spoken text.
        if self._tongue.locale == "pt_BR":
            one, many = one.lower(), many.lower()
        return Currency(one, many)

    @cached_property
    def _locale(self) -> Any:
        from babel import Locale

        return Locale.parse(self._locale_name)

    def _months(self, width: str) -> list[str]:
        return [self._locale.months["format"][width][number] for number in range(1, 13)]
