"""What a candidate for personal data must pass that has a structure, but is no state's number. Pure."""

# ruff: noqa: E501, PLR2004, SIM905
# The numbers are those of the standards: an octet has 255, a year four digits. Lists of words are one string each.

from __future__ import annotations

import ipaddress
from typing import Final

from ostiary.guards.checksums import base58check, mod97

_IBAN_SIZES: Final = {
    country: size
    for size, countries in {
        15: "NO",
        16: "BE",
        18: "DK FO FI GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU XK MN",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ TL OM SO",
        24: "AD CZ DZ ES MD PK RO SA SE SK TN VG",
        25: "PT LY ST",
        26: "IS TR",
        27: "BF FR GR IT MC MR SM BI DJ",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV CI SN",
        29: "BR EG PS QA UA",
        30: "JO KW MU",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}
_COUNTRIES: Final = frozenset(
    "AD AE AF AG AL AM AO AR AT AU AZ BA BB BD BE BG BH BJ BM BN BO BR BS BW BY BZ CA CD CH CI CL CM CN CO CR CU CY CZ DE DK DO"
    " DZ EC EE EG ES ET FI FJ FO FR GB GE GG GH GI GL GR GT GY HK HN HR HT HU ID IE IL IM IN IQ IR IS IT JE JM JO JP KE KG KH KR"
    " KW KY KZ LA LB LI LK LT LU LV LY MA MC MD ME MG MK ML MM MN MO MT MU MV MX MY MZ NA NE NG NI NL NO NP NZ OM PA PE PG PH PK"
    " PL PR PS PT PY QA RO RS RU RW SA SC SD SE SG SI SK SM SN SO SR SV SY TH TN TR TT TW TZ UA UG US UY UZ VA VE VG VN YE ZA ZM ZW".split()
)
_FILES: Final = frozenset(
    "png jpg jpeg gif svg webp ico css js ts jsx tsx mjs map json md txt html htm xml yml yaml py rb go rs java woff woff2 ttf eot"
    " mp3 mp4 pdf zip gz tgz local localhost internal lan invalid lock toml cfg conf ini sh whl jar".split()
)
_NOBODY: Final = frozenset(
    "noreply no-reply donotreply do-not-reply git user username you your yourname your-email youremail your.name email name"
    " mailer-daemon hg ssh ec2-user root someone me your.email firstname.lastname first.last user.name xxx".split()
)
_RESOLVERS: Final = frozenset({"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "208.67.222.222"})
_SMALL: Final = 10


def iban(text: str) -> bool:
    """Say whether the length is the country's, and the check digits hold (ISO 13616)."""
    plain = "".join(filter(str.isalnum, text)).upper()
    return _IBAN_SIZES.get(plain[:2]) == len(plain) and mod97(plain[4:] + plain[:4])


def iban_part(text: str) -> str:
    """Return as much of a text as the country's length allows: the next word in capitals belongs to it by shape alone."""
    left = _IBAN_SIZES.get(text[:2].upper(), 0)
    for place, each in enumerate(text):
        left -= each.isalnum()
        if left == 0:
            return text[: place + 1]
    return text


def email(text: str) -> bool:
    """Say whether it can be a person's: not a file, not a package, not the name of an example."""
    local, _, domain = text.rpartition("@")
    nobody = local.lower() in _NOBODY
    return (
        domain.rpartition(".")[2].lower() not in _FILES
        and not nobody
        and not local.startswith(".")
        and "--" not in domain[:3]
    )


def ipv4(text: str) -> bool:
    """Say whether it is the address of somebody: public, no resolver that everybody uses, no version with four parts."""
    parts = text.split(".")
    if any(int(each) > 255 or (each[0] == "0" and len(each) > 1) for each in parts) or max(map(int, parts)) < _SMALL:
        return False
    return ipaddress.IPv4Address(text).is_global and text not in _RESOLVERS and parts[0] not in {"224", "239"}


def ipv4_high(text: str) -> bool:
    """Say the same without a word beside it: versions, sections and object identifiers begin with small numbers."""
    return int(text.partition(".")[0]) > _SMALL and ipv4(text)


def ipv6(text: str) -> bool:
    """Say whether it is a global unicast address that no document may use as an example."""
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return address.is_global and address.packed[0] >> 5 == 1 and text.count(":") > 1


def bitcoin(text: str) -> bool:
    """Say whether it is an address of Bitcoin, or of a coin that took over its form."""
    return base58check(text) in {0, 5, 22, 30, 48, 50, 65, 76, 111, 196}


def dated(text: str) -> bool:
    """Say whether the year can be that of a birth."""
    digits = [each for each in "".join(c if c.isdigit() else " " for c in text).split() if each]
    years = [int(each) for each in digits if len(each) == 4]
    return all(1890 <= each <= 2100 for each in years) and (bool(years) or len(digits) == 3)


def bic(text: str) -> bool:
    """Say whether the fifth and sixth letters are a country's."""
    return text[4:6] in _COUNTRIES


def passport(text: str) -> bool:
    """Say whether it has the digits of a passport's number."""
    return 5 <= sum(map(str.isdigit, text)) <= 9


def mrz_of_book(text: str) -> bool:
    """Say whether the check digits of a passport's second line hold (ICAO 9303, part 4)."""
    return _weighed(text[:10]) and _weighed(text[13:20]) and _weighed(text[21:28])


def mrz_of_card(text: str) -> bool:
    """Say whether the check digits of an identity card's second line hold (ICAO 9303, part 5)."""
    return _weighed(text[:7]) and _weighed(text[8:15])


def _weighed(text: str) -> bool:
    values = [int(each, 36) if each != "<" else 0 for each in text[:-1]]
    return sum(value * (7, 3, 1)[place % 3] for place, value in enumerate(values)) % 10 == int(text[-1])
