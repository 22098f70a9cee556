"""Check digits of national numbers, each by its state's published rule; the input is bare digits or letters. Pure."""

# ruff: noqa: PLR2004
# The numbers are the states' own: a weight or a month's end says more at its place than under a name.

from __future__ import annotations

from typing import Final

from ostiary.guards.checksums import luhn, mod11_2, mod11_10, verhoeff, weighed

_DNI: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
_MONTHS: Final = range(1, 13)
_CODICE_ODD: Final = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
_HETU: Final = "0123456789ABCDEFHJKLMNPRSTUVWXY"


def dated(digits: str, order: str = "ymd") -> bool:
    """Say whether six digits can be a date of birth, in this order of year, month and day."""
    parts = {name: int(digits[2 * place : 2 * place + 2]) for place, name in enumerate(order)}
    return parts["m"] in _MONTHS and 1 <= parts["d"] <= 31


def us_ssn(digits: str) -> bool:
    """Say whether the Social Security Administration can have issued it: area, group and serial have no zeros."""
    return digits[:3] not in {"000", "666"} and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"


def us_itin(digits: str) -> bool:
    """Say whether the IRS can have issued it: it begins with 9, its group is one of a few."""
    group = int(digits[3:5])
    return digits[0] == "9" and (50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99)


def uk_nhs(digits: str) -> bool:
    """Check the tenth digit, MOD 11."""
    return weighed(digits, (10, 9, 8, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0 and len(set(digits)) > 1


def uk_nino(text: str) -> bool:
    """Say whether the prefix is one that is allocated."""
    return text[:2] not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}


def de_steuer_id(digits: str) -> bool:
    """Check MOD 11,10 and that one digit, and no more, repeats among the first ten."""
    repeated = sorted(digits[:10].count(each) for each in set(digits[:10]))
    return digits[0] != "0" and repeated[-1] in {2, 3} and repeated.count(repeated[-1]) == 1 and mod11_10(digits)


def fr_nir(text: str) -> bool:
    """Check the key of two digits; Corsica's departments count as 19 and 18."""
    body = text[:13].replace("2A", "19").replace("2B", "18")
    month = int(body[3:5])
    return body[0] in "123478" and (month in _MONTHS or month >= 20) and (97 - int(body) % 97) == int(text[13:])


def it_codice(text: str) -> bool:
    """Check the last letter; the other fifteen count by their places."""
    values = [int(each) if each.isdigit() else ord(each) - 65 for each in text[:15]]
    total = sum(_CODICE_ODD[each] if place % 2 == 0 else each for place, each in enumerate(values))
    return chr(65 + total % 26) == text[15]


def es_dni(text: str) -> bool:
    """Check the letter; a foreigner's first letter stands for a digit."""
    number = str("XYZ".index(text[0])) + text[1:8] if text[0] in "XYZ" else text[:8]
    return _DNI[int(number) % 23] == text[8]


def pt_nif(digits: str) -> bool:
    """Check the ninth digit, MOD 11."""
    rest = 11 - weighed(digits, range(9, 1, -1)) % 11
    return digits[0] in "12356789" and (0 if rest > 9 else rest) == int(digits[8])


def nl_bsn(digits: str) -> bool:
    """Check the eleven test, in which the last digit counts once less."""
    return weighed(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0 and len(set(digits)) > 1


def be_nn(digits: str) -> bool:
    """Check the last two digits, for births before 2000 and after."""
    body, check = digits[:9], int(digits[9:])
    return int(digits[2:4]) % 20 <= 12 and check in {97 - int(body) % 97, 97 - int("2" + body) % 97}


def pl_pesel(digits: str) -> bool:
    """Check the last digit and the month, which carries the century."""
    return (
        int(digits[2:4]) % 20 in _MONTHS
        and int(digits[4:6]) <= 31
        and weighed(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0
    )


def se_personnummer(digits: str) -> bool:
    """Check Luhn over the last ten digits, and the date; coordination numbers add 60 to the day."""
    short = digits[-10:]
    return int(short[2:4]) in _MONTHS and int(short[4:6]) % 60 <= 31 and luhn(short)


def fi_hetu(text: str) -> bool:
    """Check the last character, and the date."""
    return dated(text[:6], "dmy") and _HETU[int(text[:6] + text[7:10]) % 31] == text[10]


def dk_cpr(digits: str) -> bool:
    """Say whether it begins with a date; numbers issued since 2007 need not hold MOD 11 any more."""
    return dated(digits, "dmy")


def no_fodselsnummer(digits: str) -> bool:
    """Check both digits, MOD 11; D numbers add 40 to the day, H numbers to the month."""
    first = weighed(digits, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11
    second = weighed(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11
    return first == second == 0 and int(digits[:2]) % 40 <= 31 and len(set(digits)) > 1


def ch_ahv(digits: str) -> bool:
    """Check the last digit, as in EAN-13."""
    return weighed(digits, (1, 3) * 6 + (1,)) % 10 == 0


def at_svnr(digits: str) -> bool:
    """Check the fourth digit, MOD 11, and the date behind it."""
    return (
        weighed(digits, (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)) % 11 == int(digits[3])
        and digits[0] != "0"
        and int(digits[6:8]) in range(1, 16)
    )


def ie_pps(text: str) -> bool:
    """Check the letter behind seven digits; a ninth letter counts nine times."""
    extra = 9 * (ord(text[8]) - 64) if len(text) > 8 and text[8] != "W" else 0
    return "WABCDEFGHIJKLMNOPQRSTUV"[(weighed(text[:7], range(8, 1, -1)) + extra) % 23] == text[7]


def cz_rodne(digits: str) -> bool:
    """Check the tenth digit, the rest of the others by 11 (10 counts as 0), and the month, which carries the sex."""
    possible = int(digits[2:4]) % 50 % 20 in _MONTHS and 1 <= int(digits[4:6]) <= 31
    return possible and int(digits[:9]) % 11 % 10 == int(digits[9])


def ro_cnp(digits: str) -> bool:
    """Check the last digit, MOD 11, and the date."""
    rest = weighed(digits, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return digits[0] != "0" and dated(digits[1:7]) and (1 if rest == 10 else rest) == int(digits[12])


def bg_egn(digits: str) -> bool:
    """Check the last digit, MOD 11 and MOD 10, and the month, which carries the century."""
    return int(digits[2:4]) % 20 in _MONTHS and weighed(digits, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10 == int(
        digits[9]
    )


def baltic(digits: str) -> bool:
    """Check the last digit of Estonia's and Lithuania's code, by two rows of weights."""
    rest = weighed(digits, (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    if rest == 10:
        rest = weighed(digits, (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10
    return digits[0] in "12345678" and dated(digits[1:7]) and rest == int(digits[10])


def gr_amka(digits: str) -> bool:
    """Check Luhn, and the date that it begins with."""
    return dated(digits, "dmy") and luhn(digits)


def br_cpf(digits: str) -> bool:
    """Check both digits, MOD 11."""
    first = weighed(digits, range(10, 1, -1)) * 10 % 11 % 10
    second = weighed(digits, range(11, 1, -1)) * 10 % 11 % 10
    return digits[9:] == f"{first}{second}" and len(set(digits)) > 1


def br_cnpj(digits: str) -> bool:
    """Check both digits, MOD 11."""
    weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    first = weighed(digits, weights[1:]) * 10 % 11 % 10
    second = weighed(digits, weights) * 10 % 11 % 10
    return digits[12:] == f"{first}{second}" and len(set(digits)) > 1


def ar_cuit(digits: str) -> bool:
    """Check the last digit, MOD 11, and the prefix."""
    rest = (11 - weighed(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11) % 11
    return digits[:2] in {"20", "23", "24", "27", "30", "33", "34"} and rest == int(digits[10])


def cl_rut(text: str) -> bool:
    """Check the character behind the hyphen, MOD 11."""
    rest = (11 - weighed(text[-2::-1], (2, 3, 4, 5, 6, 7, 2, 3, 4)) % 11) % 11
    return "0123456789K"[rest] == text[-1]


def mx_curp(text: str) -> bool:
    """Check the last digit of eighteen, and the date."""
    alphabet = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ"
    total = sum(alphabet.index(each) * (18 - place) for place, each in enumerate(text[:17]))
    return dated(text[4:10]) and (10 - total % 10) % 10 == int(text[17])


def in_aadhaar(digits: str) -> bool:
    """Check Verhoeff; numbers begin with 2 to 9."""
    return digits[0] not in "01" and verhoeff(digits) and len(set(digits)) > 1


def cn_id(text: str) -> bool:
    """Check MOD 11-2, the date and the region."""
    return dated(text[8:14]) and text[6:8] in {"18", "19", "20"} and text[0] in "1234568" and mod11_2(text)


def kr_rrn(digits: str) -> bool:
    """Check the date and the century; since October 2020 the last digit checks nothing."""
    return dated(digits) and digits[6] in "1234567890"


def jp_my_number(digits: str) -> bool:
    """Check the last digit, MOD 11."""
    rest = weighed(digits, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return (0 if rest <= 1 else 11 - rest) == int(digits[11]) and len(set(digits)) > 1


def tw_id(text: str) -> bool:
    """Check the last digit; the letter stands for a region."""
    region = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(text[0]) + 10
    return (region // 10 + region % 10 * 9 + weighed(text[1:], (8, 7, 6, 5, 4, 3, 2, 1, 1))) % 10 == 0


def hk_id(text: str) -> bool:
    """Check the character in brackets, MOD 11; a single letter counts as if a blank stood before it."""
    letters, digits, check = text[:-7], text[-7:-1], text[-1]
    values = [36, *(ord(each) - 55 for each in letters)][-2:]
    total = values[0] * 9 + values[1] * 8 + weighed(digits, (7, 6, 5, 4, 3, 2))
    return "0123456789A"[(11 - total % 11) % 11] == check


def sg_nric(text: str) -> bool:
    """Check the last letter, whose row depends on the first."""
    total = weighed(text[1:8], (2, 7, 6, 5, 4, 3, 2)) + (4 if text[0] in "TG" else 3 if text[0] == "M" else 0)
    rows = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "G": "XWUTRQPNMLK", "M": "XWUTRQPNJLK"}
    return rows[text[0]][total % 11] == text[8]


def th_id(digits: str) -> bool:
    """Check the last digit, MOD 11."""
    return digits[0] != "0" and (11 - weighed(digits, range(13, 1, -1)) % 11) % 10 == int(digits[12])


def my_nric(digits: str) -> bool:
    """Check the date and the place of birth; there is no check digit."""
    return dated(digits) and digits[6:8] not in {
        "00",
        "17",
        "18",
        "19",
        "20",
        "69",
        "70",
        "73",
        "80",
        "81",
        "94",
        "95",
        "96",
        "97",
    }


def ca_sin(digits: str) -> bool:
    """Check Luhn; numbers that begin with 0 are not issued, but forms and examples are full of them."""
    return digits[0] != "8" and luhn(digits)


def au_tfn(digits: str) -> bool:
    """Check that nine weighed digits divide by 11."""
    return weighed(digits, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0 and len(set(digits)) > 1


def au_medicare(digits: str) -> bool:
    """Check the ninth digit; cards begin with 2 to 6."""
    return digits[0] in "23456" and weighed(digits, (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(digits[8])


def nz_ird(digits: str) -> bool:
    """Check the last digit by two rows of weights."""
    body, last = digits[:-1].zfill(8), int(digits[-1])
    rest = -weighed(body, (3, 2, 7, 6, 5, 4, 3, 2)) % 11
    if rest == 10:
        rest = -weighed(body, (7, 4, 3, 2, 5, 2, 7, 6)) % 11
    return rest == last


def za_id(digits: str) -> bool:
    """Check Luhn, the date and the citizenship."""
    return dated(digits) and digits[10] in "012" and luhn(digits)


def tr_kimlik(digits: str) -> bool:
    """Check the last two digits."""
    odd, even = sum(map(int, digits[0:9:2])), sum(map(int, digits[1:8:2]))
    return (
        digits[0] != "0"
        and (odd * 7 - even) % 10 == int(digits[9])
        and sum(map(int, digits[:10])) % 10 == int(digits[10])
    )


def il_id(digits: str) -> bool:
    """Check Luhn over nine digits."""
    return luhn(digits) and len(set(digits)) > 1


def ru_snils(digits: str) -> bool:
    """Check the last two digits, MOD 101."""
    return weighed(digits, range(9, 0, -1)) % 101 % 100 == int(digits[9:])


def ru_inn(digits: str) -> bool:
    """Check the last two of a person's twelve digits."""
    first = weighed(digits, (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    return first == int(digits[10]) and weighed(digits, (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10 == int(digits[11])


def us_aba(digits: str) -> bool:
    """Check the last digit of a bank's routing number, and the district."""
    district = int(digits[:2])
    known = district <= 12 or 21 <= district <= 32 or 61 <= district <= 72 or district == 80
    return known and digits[:4] != "0000" and weighed(digits, (3, 7, 1) * 3) % 10 == 0


def us_npi(digits: str) -> bool:
    """Check Luhn behind the prefix of health applications, 80840."""
    return digits[0] in "12" and luhn("80840" + digits)


def id_nik(digits: str) -> bool:
    """Check the date in the middle; a woman's day counts 40 more."""
    day = int(digits[6:8])
    return 1 <= day % 40 <= 31 and day < 72 and int(digits[8:10]) in _MONTHS and digits[12:] != "0000"


def ae_emirates(digits: str) -> bool:
    """Check Luhn behind the country's number."""
    return digits[:3] == "784" and luhn(digits)


def sa_id(digits: str) -> bool:
    """Check Luhn; citizens' numbers begin with 1, residents' with 2."""
    return digits[0] in "12" and luhn(digits)


def anything(_digits: str) -> bool:
    """Say yes, for numbers that have a shape, or a word beside them, and no check digit."""
    return True
