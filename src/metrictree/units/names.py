"""The names of units: currencies, short forms and plurals, each brought to one spelling."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["CURRENCIES", "PERIODS", "SCORES", "one_spelling"]

_CODES: Final = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD
    CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP
    GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR
    KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN
    MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD
    SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX
    USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD
    XPF XPT XSU XUA YER ZAR ZMW ZWG
    BGN
"""
CURRENCIES: Final = frozenset(_CODES.split())
"""The codes of ISO 4217 that are in use, without those for tests (XTS) and for no currency (XXX).

They are codes in capitals only: all, top, cup, try and mad are words. BGN, given up at the start of
2026, is still there, since the figures of the years before are in it.
"""

PERIODS: Final = ("day", "week", "month", "quarter", "year")
"""Names that, below the line, say how long something is counted for."""

SCORES: Final = frozenset(("index", "point", "rating", "score"))
"""Pure numbers on a scale that their author has made."""

_SHORT: Final = {
    short: name
    for name, shorts in {
        "millisecond": "ms msec",
        "second": "s sec",
        "minute": "min",
        "hour": "h hr",
        "day": "d",
        "week": "wk semana semaine settimana woche Woche",
        "month": "mo mth mes mês mese mois monat Monat",
        "quarter": "qtr trimestre quartal Quartal",
        "year": "y yr año année jahr Jahr",
        "meter": "m metre",
        "kilometer": "km kilometre",
        "centimeter": "cm centimetre",
        "millimeter": "mm millimetre",
        "gram": "g gramme",
        "kilogram": "kg kilo",
        "milligram": "mg",
        "tonne": "t",
        "liter": "l L litre",
        "milliliter": "ml mL millilitre",
        "byte": "B",
        "kB": "KB kilobyte",
        "MB": "megabyte",
        "GB": "gigabyte",
        "TB": "terabyte",
        "USD": "usd",
        "EUR": "eur euro Euro",
        "GBP": "gbp",
        "CHF": "chf",
        "JPY": "jpy yen",
    }.items()
    for short in shorts.split()
}
_IRREGULAR: Final = {
    "analyses": "analysis",
    "buses": "bus",
    "bonuses": "bonus",
    "caches": "cache",
    "campuses": "campus",
    "children": "child",
    "feet": "foot",
    "heroes": "hero",
    "indexes": "index",
    "indices": "index",
    "matrices": "matrix",
    "men": "man",
    "people": "person",
    "persons": "person",
    "potatoes": "potato",
    "quizzes": "quiz",
    "statuses": "status",
    "viruses": "virus",
    "women": "woman",
}
_ENDS_IN_IE: Final = re.compile(r"(?:^|_)(?:brown|calor|cook|d|l|mov|newb|p|rook|self|t|zomb)ies\Z")
_NO_PLURAL: Final = re.compile(
    r"(?:.*[sui]s|.*(?:^|_)(?:alias|atlas|bias|canvas|cosmos|chaos|lens|gas|news|series|species"
    r"|aws|cms|css|dns|fps|gps|ios|mois|pos|rms|saas|sms|yes))\Z"
)
"""Words that end in s and are one thing: class, status, analysis."""


def one_spelling(name: str) -> str:
    """Return the name by which a unit is compared: singular, short forms written out.

    >>> [one_spelling(name) for name in ("orders", "deliveries", "hrs", "min", "status")]
    ['order', 'delivery', 'hour', 'minute', 'status']
    >>> [one_spelling(name) for name in ("ALL", "all", "euros", "usd")]
    ['ALL', 'all', 'EUR', 'USD']
    """
    name = name if name in _SHORT else _singular(name)
    return _SHORT.get(name, name)


def _singular(name: str) -> str:
    head, underscore, last = name.rpartition("_")
    if last in _IRREGULAR:
        return f"{head}{underscore}{_IRREGULAR[last]}"
    if not name.endswith("s") or len(name) < 3 or _NO_PLURAL.match(name):
        return name
    if name.endswith("ies") and len(name) > 3:
        return name[:-1] if _ENDS_IN_IE.search(name) else f"{name[:-3]}y"
    if name.endswith(("sses", "shes", "ches", "xes")):
        return name[:-2]
    return name[:-1]
