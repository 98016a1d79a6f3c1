"""Written units of measure, by what CLDR calls them."""

from collections.abc import Mapping
from types import MappingProxyType

UNITS: Mapping[str, str] = MappingProxyType(
    {
        "km": "length-kilometer", "m": "length-meter", "cm": "length-centimeter",
        "mm": "length-millimeter", "µm": "length-micrometer", "nm": "length-nanometer",
        "mi": "length-mile", "ft": "length-foot", "kg": "mass-kilogram", "Kg": "mass-kilogram",
        "g": "mass-gram", "gr": "mass-gram", "mg": "mass-milligram", "t": "mass-tonne",
        "lb": "mass-pound", "oz": "mass-ounce", "l": "volume-liter", "L": "volume-liter",
        "ml": "volume-milliliter", "mL": "volume-milliliter", "cl": "volume-centiliter",
        "dl": "volume-deciliter", "°C": "temperature-celsius", "ºC": "temperature-celsius",
        "℃": "temperature-celsius", "°F": "temperature-fahrenheit", "ºF": "temperature-fahrenheit",
        "°": "angle-degree", "kB": "digital-kilobyte", "KB": "digital-kilobyte",
        "MB": "digital-megabyte", "GB": "digital-gigabyte", "TB": "digital-terabyte",
        "km/h": "speed-kilometer-per-hour", "m/s": "speed-meter-per-second",
        "h": "duration-hour", "min": "duration-minute", "min.": "duration-minute",
        "s": "duration-second",
        "seg": "duration-second", "ms": "duration-millisecond", "m²": "area-square-meter",
        "m2": "area-square-meter", "km²": "area-square-kilometer", "km2": "area-square-kilometer",
        "cm²": "area-square-centimeter", "m³": "volume-cubic-meter", "m3": "volume-cubic-meter",
        "ha": "area-hectare", "W": "power-watt", "kW": "power-kilowatt", "MW": "power-megawatt",
        "kWh": "energy-kilowatt-hour", "kcal": "energy-kilocalorie", "Hz": "frequency-hertz",
        "kHz": "frequency-kilohertz", "MHz": "frequency-megahertz", "GHz": "frequency-gigahertz",
        "V": "electric-volt", "A": "electric-ampere", "hPa": "pressure-hectopascal",
    }
)  # fmt: skip
