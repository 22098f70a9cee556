"""Data of people who do not exist, drawn from a seed: numbers whose check digits hold, and words that name them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from random import Random
from typing import Final

from ostiary.guards import checksums
from ostiary.guards import national_checks as check
from ostiary.guards.personal_checks import iban
from ostiary.guards.personal_numbers import card

Maker = Callable[[Random], str]
FIRST: Final = ["alice", "bruno", "chen", "dalia", "erik", "fatma", "goran", "hana", "ivan", "jana", "kofi", "lena"]
LAST: Final = [
    "meyer",
    "rossi",
    "garcia",
    "novak",
    "silva",
    "tanaka",
    "okafor",
    "lund",
    "kaya",
    "brown",
    "dubois",
    "weber",
]


def number(shape: str, valid: Callable[[str], bool] = check.anything) -> Maker:
    """Return a maker of numbers in this shape (9: a digit) whose check digits hold: drawn until one does."""

    def made(rng: Random) -> str:
        while True:
            text = "".join(rng.choice("0123456789") if each == "9" else each for each in shape)
            if valid("".join(filter(str.isdigit, text))):
                return text

    return made


def lettered(shape: str, valid: Callable[[str], bool], plain: bool = True) -> Maker:
    """Return the same for letters too (A), and for what only its check knows (?)."""

    def made(rng: Random) -> str:
        while True:
            text = "".join(
                rng.choice("0123456789")
                if each == "9"
                else rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZ")
                if each == "A"
                else each
                for each in shape
            )
            for last in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" if "?" in text else ("",):
                one = text.replace("?", last)
                if valid("".join(filter(str.isalnum, one)) if plain else one):
                    return one

    return made


def dated(shape: str, valid: Callable[[str], bool]) -> Maker:
    """Return a maker whose `d` and `m` are a day and a month: most numbers with a date are not one by chance."""

    def made(rng: Random) -> str:
        while True:
            text = shape.replace("mm", f"{rng.randrange(1, 13):02d}").replace("dd", f"{rng.randrange(1, 29):02d}")
            text = "".join(rng.choice("0123456789") if each == "9" else each for each in text)
            for last in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" if "?" in text else ("",):
                one = text.replace("?", last)
                if valid("".join(filter(str.isalnum, one))):
                    return one

    return made


def iban_of(country: str, size: int) -> Maker:
    def made(rng: Random) -> str:
        body = "".join(rng.choice("0123456789") for _ in range(size - 4))
        rest = 98 - int("".join(str(int(each, 36)) for each in body + country + "00")) % 97
        text = f"{country}{rest:02d}{body}"
        assert iban(text)
        return text if rng.random() < 0.5 else " ".join(text[place : place + 4] for place in range(0, size, 4))

    return made


def bitcoin(rng: Random) -> str:
    raw = b"\0" + rng.randbytes(20)
    value = int.from_bytes(raw + hashlib.sha256(hashlib.sha256(raw).digest()).digest()[:4], "big")
    made = ""
    while value:
        value, digit = divmod(value, 58)
        made = checksums.BASE58[digit] + made
    return "1" + made if raw[1] else bitcoin(rng)


def email(rng: Random) -> str:
    return f"{rng.choice(FIRST)}{rng.choice(['.', '_', ''])}{rng.choice(LAST)}{rng.choice(['', str(rng.randrange(99))])}@{rng.choice(['corp-mail.de', 'gmail.com', 'mail.co.uk', 'posta.it', 'example.com'])}"


def ip(rng: Random) -> str:
    return f"{rng.choice([23, 51, 78, 93, 141, 185, 212])}.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"


def born(rng: Random) -> str:
    year, month, day = rng.randrange(1930, 2010), rng.randrange(1, 13), rng.randrange(1, 29)
    name = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ][month - 1]
    return rng.choice(
        [
            f"{year}-{month:02d}-{day:02d}",
            f"{day:02d}/{month:02d}/{year}",
            f"{day:02d}.{month:02d}.{year}",
            f"{day} {name} {year}",
            f"{name} {day}, {year}",
        ]
    )


def address(rng: Random) -> str:
    n = rng.randrange(1, 300)
    return rng.choice(
        [
            f"{n} {rng.choice(['Maple', 'Oak Hill', 'Washington', 'King'])} {rng.choice(['Street', 'Ave', 'Road', 'Blvd', 'Lane'])}, {rng.choice(['Springfield', 'Portland'])}, {rng.choice(['IL 62704', 'OR 97201'])}",
            f"{rng.choice(['Haupt', 'Schiller', 'Garten'])}{rng.choice(['straße', 'str.'])} {n}, {rng.randrange(10000, 99999)} {rng.choice(['Berlin', 'München'])}",
            f"{n} rue de {rng.choice(['Rivoli', 'Lyon'])}, 75001 Paris",
            f"Calle {rng.choice(['Mayor', 'Serrano'])} {n}, 28013 Madrid",
            f"Via {rng.choice(['Roma', 'Garibaldi'])} {n}, 00184 Roma",
            f"{rng.choice(['Keizers', 'Prinsen'])}gracht {n}, 1015 CJ Amsterdam",
        ]
    )


# kind: (names that people give it, what it looks like)
PEOPLE: Final[dict[str, tuple[tuple[str, ...], tuple[Maker, ...]]]] = {
    "card": (
        ("card number", "credit card", "cardNumber", "pan"),
        (
            number("4999 9999 9999 9999", card),
            number("5399999999999999", card),
            number("3799-999999-99999", card),
            number("6011999999999999", card),
        ),
    ),
    "iban": (
        ("IBAN", "account iban", "bankAccount"),
        (iban_of("DE", 22), iban_of("FR", 27), iban_of("ES", 24), iban_of("CH", 21), iban_of("PL", 28)),
    ),
    "us-ssn": (
        ("SSN", "social security number", "ssn"),
        (number("999-99-9999", check.us_ssn), number("999999999", check.us_ssn)),
    ),
    "uk-nhs": (
        ("NHS number", "nhs_number"),
        (number("999 999 9999", check.uk_nhs), number("9999999999", check.uk_nhs)),
    ),
    "uk-nino": (("NI number", "national insurance number"), (number("JG 99 99 99 C"), number("CE999999D"))),
    "de-steuer-id": (
        ("Steuer-ID", "steuerliche Identifikationsnummer", "tax_id"),
        (number("99999999999", check.de_steuer_id), number("99 999 999 999", check.de_steuer_id)),
    ),
    "fr-nir": (
        ("NIR", "numéro de sécurité sociale"),
        (number("199057599999999", check.fr_nir), number("2 85 05 78 999 999 99", check.fr_nir)),
    ),
    "it-codice": (
        ("codice fiscale", "codiceFiscale"),
        (lettered("AAAAAA85T10A999?", lambda each: each[15].isalpha() and check.it_codice(each)),),
    ),
    "es-dni": (("DNI", "NIF"), (lettered("99999999?", lambda each: each[8].isalpha() and check.es_dni(each)),)),
    "es-nie": (("NIE",), (lettered("X9999999?", lambda each: each[8].isalpha() and check.es_dni(each)),)),
    "pt-nif": (("NIF", "contribuinte"), (number("999999999", check.pt_nif),)),
    "nl-bsn": (("BSN", "burgerservicenummer"), (number("999999999", check.nl_bsn),)),
    "be-nn": (("rijksregisternummer", "national number"), (dated("99.mm.dd-999.99", check.be_nn),)),
    "pl-pesel": (("PESEL", "pesel"), (dated("99mmdd99999", check.pl_pesel),)),
    "se": (
        ("personnummer",),
        (dated("99mmdd-9999", check.se_personnummer), dated("1999mmdd-9999", check.se_personnummer)),
    ),
    "fi": (("henkilötunnus", "hetu"), (dated("ddmm99-999?", lambda each: check.fi_hetu(each[:6] + "-" + each[6:])),)),
    "dk": (("CPR", "cpr_nummer"), (dated("ddmm99-9999", check.dk_cpr),)),
    "no": (("fødselsnummer",), (dated("ddmm9999999", check.no_fodselsnummer),)),
    "ch": (("AHV-Nummer", "AVS"), (number("756.9999.9999.99", check.ch_ahv),)),
    "br-cpf": (("CPF",), (number("999.999.999-99", check.br_cpf), number("99999999999", check.br_cpf))),
    "br-cnpj": (("CNPJ",), (number("99.999.999/0001-99", check.br_cnpj),)),
    "in-aadhaar": (("Aadhaar", "aadhaar_number"), (number("9999 9999 9999", check.in_aadhaar),)),
    "in-pan": (("PAN", "permanent account number"), (lettered("AAAPA9999A", check.anything),)),
    "cn": (
        ("身份证号", "resident id"),
        (
            dated(
                "1101051990mmdd999?", lambda each: len(each) == 18 and each[-1] in "0123456789X" and check.cn_id(each)
            ),
        ),
    ),
    "kr": (("주민등록번호", "RRN"), (dated("99mmdd-1999999", check.kr_rrn),)),
    "jp": (("マイナンバー", "My Number"), (number("999999999999", check.jp_my_number),)),
    "ca-sin": (
        ("SIN", "social insurance number"),
        (number("999-999-999", check.ca_sin), number("999 999 999", check.ca_sin)),
    ),
    "au-tfn": (("TFN", "tax file number"), (number("999 999 999", check.au_tfn),)),
    "au-medicare": (("Medicare number",), (number("9999 99999 9", check.au_medicare),)),
    "za": (("South African ID", "SA ID number"), (dated("99mmdd9999089", check.za_id),)),
    "tr": (("TC Kimlik No",), (number("99999999999", check.tr_kimlik),)),
    "il": (("Teudat Zehut", "Israeli ID number"), (number("999999999", check.il_id),)),
    "cz": (("rodné číslo",), (dated("99mmdd/9999", check.cz_rodne),)),
    "ro": (("CNP",), (dated("199mmdd999999", check.ro_cnp),)),
    "mx": (("CURP",), (dated("GOMC99mmddHDFRRL0?", lambda each: each[-1].isdigit() and check.mx_curp(each)),)),
    "cl": (("RUT",), (lettered("12.999.999-?", lambda each: each[-1] in "0123456789K" and check.cl_rut(each)),)),
    "sg": (
        ("NRIC", "nric"),
        (lettered("S9999999?", lambda each: each[-1].isalpha() and each[-1] in "ABCDEFGHIZJ" and check.sg_nric(each)),),
    ),
    "phone": (
        ("phone", "mobile", "Tel", "phoneNumber"),
        (
            number("+49 30 9018 9999"),
            number("+44 20 7946 0999"),
            number("(212) 736-5999"),
            number("+1 202-456-1999"),
            number("+33 1 42 68 53 99"),
            number("089 123 9999"),
        ),
    ),
    "email": (("email", "contact", "e-mail"), (email,)),
    "ip": (("client_ip", "remote address", "ip"), (ip,)),
    "bitcoin": (("wallet", "btc address"), (bitcoin,)),
    "ethereum": (
        ("wallet", "eth_address"),
        (lambda rng: "0x" + "".join(rng.choice("0123456789abcdefABCDEF") for _ in range(40)),),
    ),
    "born": (("date of birth", "dob", "birthDate", "Geburtsdatum"), (born,)),
    "address": (("address", "lives at", "shipping address"), (address,)),
    "passport": (("passport number", "passport_no"), (lettered("C99A99A99", check.anything), number("999999999"))),
    "aba": (("routing number", "ABA"), (number("021999999", check.us_aba),)),
    "bic": (
        ("BIC", "SWIFT code"),
        (lambda rng: rng.choice(["DEUTDEFF", "COBADEFFXXX", "BNPAFRPP", "CHASUS33", "UBSWCHZH80A"]),),
    ),
}
