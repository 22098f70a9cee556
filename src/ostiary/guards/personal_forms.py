"""Personal data with letters or marks of its own: e-mail, IBAN, addresses, wallets, passports, national codes. Pure."""

# ruff: noqa: E501, PLR2004, RUF001
# A pattern is one string: cut in two, it cannot be read; its quotation marks are those that people write.

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from ostiary.guards import national_checks as check
from ostiary.guards import personal_checks as look
from ostiary.guards.checksums import bech32


def whole(text: str) -> str:
    """Return what was matched as it is."""
    return text


class Form(Struct, frozen=True):
    """One kind: how it is noticed, cut out and judged; `words` are needed nearby where there are any."""

    slug: str
    hint: str
    pattern: str
    valid: Callable[[str], bool] = check.anything
    words: str = ""
    score: float = 0.9
    cut: Callable[[str], str] = whole


_MONTH: Final = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|okt|dez|janv|févr|avr|juin|juil|août|ene|abr|ago|dic|gen|mag|giu|lug|set|ott)[a-zéû]{0,8}\.?"
_DATE: Final = (
    r"\d{4}[\-/.]\d{1,2}[\-/.]\d{1,2}|\d{1,2}[\-/.]\s?\d{1,2}[\-/.]\s?(?:\d{4}|\d{2})|\d{4}年\s?\d{1,2}月\s?\d{1,2}日?|\d{8}"
    rf"|\d{{1,2}}(?:st|nd|rd|th|er|\.)?[ \-](?:of |de )?{_MONTH},?[ \-](?:de )?\d{{4}}|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}"
)
_BORN: Final = (
    r"date[ _\-]?of[ _\-]?birth|birth[ _\-]?(?:date|day)|\bborn\b|\bd\.?o\.?b\b|geburts(?:datum|tag)|\bgeboren\b|\bgeb\.|date[ _]de[ _]naissance|\bn[ée]e? le\b"
    r"|nacid[oa]|fecha[ _]de[ _]nacimiento|data[ _]di[ _]nascita|\bnat[oa] il\b|geboortedatum|data[ _]de[ _]nascimento|nascid[oa]|födelsedatum|fødselsdato"
    r"|data[ _]urodzenia|doğum[ _]tarihi|дата[ _]рождения|生年月日|出生日期|생년월일|تاريخ الميلاد"
)
_WIDE: Final = r"[\x{a0}-\x{10ffff}]"
_PASSPORT: Final = r"(?:passport|passeport|reisepass|pasaporte|passaporto|paspoort|pass ?nummer|paszport|パスポート|旅券|护照|護照|여권)"
_NAME: Final = rf"(?:[A-Z]|{_WIDE})(?:[A-Za-z'.\-]|{_WIDE})*"
_HOSTS: Final = r"\bips?\b|\bipv4|addr|host|client|remote|\bpeer|\bdns|\bsrc\b|\bfrom\b|visitor|login"
_STREETS: Final = (
    r"Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Way|Place|Pl|Terrace|Ter|Circle|Cir|Highway|Hwy"
    r"|Parkway|Pkwy|Square|Sq|Close|Crescent|Mews|Gardens|Trail|Trl|Row|Walk|Loop"
)
_POSTCODE: Final = r"[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}"

_SECOND: Final = re.compile(r"\d{7}[MFX<]\d{7}")


def _second(lines: str) -> str:
    """Return the line of an identity card that has the dates."""
    found = _SECOND.search(lines)
    return found.group() if found else ""


CONTACT: Final = (
    Form(
        "email",
        r"@[^\s@.]+\.",
        rf"(?:^|[^\w.%+\-])((?:\w|[%+]|{_WIDE})(?:[\w.%+\-]|{_WIDE})*@(?:(?:[A-Za-z0-9\-]|{_WIDE})+\.)+(?:[A-Za-z]{{2,24}}|{_WIDE}{{2,12}}))(?:[^\w(\-]|$)",
        look.email,
        score=0.95,
    ),
    Form(
        "email",
        r"(?i)[\[({] ?at ?[\])}]",
        r"(?i:([\w.+\-]{1,64} ?[\[({] ?at ?[\])}] ?[\w\-]{1,64}(?: ?(?:[\[({] ?dot ?[\])}]|\.) ?[a-z]{2,24}){1,4}))",
        score=0.8,
    ),
    Form(
        "ip",
        r"\d\.\d{1,3}\.\d{1,3}\.\d",
        r"(?:^|[^\w./\-]|//|[\[(=@]|\b(?:ip|IP)-)(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})(?:[^\w.\-/]|\.(?:[^\w]|$)|/(?:3[0-2]|\D)|$)",
        look.ipv4_high,
        score=0.7,
    ),
    Form(
        "ip",
        r"\d\.\d{1,3}\.\d{1,3}\.\d",
        r"(?:^|[^\w./\-]|//|[\[(=@]|\b(?:ip|IP)-)(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})(?:[^\w.\-/]|\.(?:[^\w]|$)|/(?:3[0-2]|\D)|$)",
        look.ipv4,
        _HOSTS,
        0.7,
    ),
    Form(
        "ip",
        r"\b[23][0-9a-fA-F]{3}:[0-9a-fA-F:]",
        r"(?:^|[^\w:.\-])([23][0-9a-fA-F]{3}(?::[0-9a-fA-F]{0,4}){2,7})(?:[^\w:]|:\D|$)",
        look.ipv6,
        score=0.8,
    ),
    Form(
        "date-of-birth",
        rf"(?i)(?:{_BORN})",
        rf"(?i:(?:{_BORN})[\"'\s:=_\-(|,>]{{0,12}}(?:(?:on|in|am|the|is|was|le|el|il)[ :]{{1,2}})?[\"'\s]{{0,3}}({_DATE})\b)",
        look.dated,
    ),
    Form(
        "date-of-birth",
        rf"(?i)(?:{_BORN})",
        rf"(?i:(?:^|[^\w\-.])({_DATE})(?:\W|$))",
        look.dated,
        _BORN.replace("\\b", ""),
        score=0.7,
    ),
    Form(
        "address",
        rf"[a-z] (?:{_STREETS})\b",
        rf"\b(\d{{1,6}}[A-Za-z]? (?:[NSEW]{{1,2}}\.? )?(?:(?:{_NAME}|\d{{1,3}}(?:st|nd|rd|th)) ){{1,4}}(?:{_STREETS})\b\.?(?:,? (?:Apt|Apartment|Suite|Unit|Ste|Flat|Floor|#)\.? ?[\w\-]{{1,6}})?(?:[,\n] ?{_NAME}(?: {_NAME}){{0,3}})?(?:,? [A-Z]{{2,3}},? \d{{4,5}}(?:-\d{{4}})?|,? {_POSTCODE}|,? [A-Z]{{2}} [A-Z]\d[A-Z] ?\d[A-Z]\d)?)",
        score=0.8,
    ),
    Form(
        "address",
        r"(?i)(?:str(?:a(?:ß|ss)e|\.)|weg|platz|allee|gasse|ring|damm|ufer|straat|laan|plein|gracht|kade|dijk|vej|gatan|gata|vägen) \d",
        rf"((?:{_NAME}[ \-]){{0,3}}(?:[A-Za-z]|{_WIDE})*(?:[Ss]tra(?:ß|ss)e|[Ss]tr\.|straat|gracht|vej|gatan) \d{{1,4}} ?[a-zA-Z]?\b(?:,? (?:[A-Z]{{1,2}}-)?\d{{4,5}} ?(?:[A-Z]{{2}} )?{_NAME}(?: {_NAME}){{0,2}}|,? \d{{3}} \d\d {_NAME})?)",
        score=0.75,
    ),
    Form(
        "address",
        r"(?:weg|platz|allee|gasse|ring|damm|ufer|laan|plein|kade|dijk|vägen) \d",
        rf"((?:{_NAME}[ \-]){{0,3}}(?:[A-Za-z]|{_WIDE})*(?:weg|platz|allee|gasse|ring|damm|ufer|laan|plein|kade|dijk|vägen) \d{{1,4}} ?[a-zA-Z]?,? (?:[A-Z]{{1,2}}-)?\d{{3,5}} ?\d{{0,2}} ?(?:[A-Z]{{2}} )?{_NAME})",
        score=0.75,
    ),
    Form(
        "address",
        r"(?i)\d,? (?:bis |ter )?(?:rue|avenue|boulevard|place|chemin|all[ée]e|impasse|quai|route|cours) ",
        rf"(?i:\b(\d{{1,4}}(?: ?(?:bis|ter))?,? (?:rue|avenue|boulevard|place|chemin|all[ée]e|impasse|quai|route|cours) (?-i:(?:d[eu]s? |l[ae]s? |d['’]|l['’]|{_NAME} ?){{1,6}})(?:,? ?\d{{5}} (?-i:{_NAME}))?))",
        score=0.75,
    ),
    Form(
        "address",
        r"(?:Calle|C/|Avda|Avenida|Paseo|Plaza|Rua|Via|Viale|Piazza|Corso|Vicolo|Travessa|Ulica|ul\.) ",
        rf"\b((?:Calle|C/|Avda\.?|Avenida|Paseo|Plaza|Rua|Via|Viale|Piazza|Corso|Vicolo|Travessa|[Uu]l(?:ica|\.)) (?:(?:de|del|de la|la|las|los|da|do|dei|della|di|{_NAME}) ){{0,5}}{_NAME},? (?:n[º°.]? ?)?\d{{1,5}}[A-Za-z]?\b(?:,? \d{{2}}-?\d{{3}} {_NAME})?)",
        score=0.75,
    ),
    Form("address", r"〒", r"(〒\s?\d{3}-?\d{4}[^\n,\"']{0,60})"),
    Form(
        "address",
        rf"{_POSTCODE}\b",
        rf"(?:^|[^\w])({_POSTCODE})\b",
        words=r"post ?code|address|\blives?\b|\bdeliver|\bhome\b",
        score=0.7,
    ),
    Form(
        "address",
        r"\b[A-Z]\d[A-Z] ?\d[A-Z]\d\b",
        r"\b([ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z] ?\d[ABCEGHJ-NPRSTV-Z]\d)\b",
        words=r"postal|post ?code|address|\blives?\b|canada",
        score=0.7,
    ),
)

MONEY: Final = (
    Form(
        "iban",
        r"\b[A-Z]{2}\d\d[ \-]?[A-Z0-9]{4}",
        r"\b([A-Z]{2}\d\d(?:[ \-]?[A-Z0-9]{4}){2,7}(?:[ \-]?[A-Z0-9]{1,3})?)\b",
        look.iban,
        score=1.0,
        cut=look.iban_part,
    ),
    Form(
        "iban",
        r"(?i)\biban\b",
        r"(?i:\biban\b[\"'\s:=.]{0,6}([a-z]{2}\d\d(?:[ \-]?[a-z0-9]{1,4}){3,9}))\b",
        look.iban,
        score=1.0,
        cut=look.iban_part,
    ),
    Form("bic", r"\b[A-Z]{6}[A-Z0-9]{2}", r"\b([A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?)\b", look.bic, r"\bswift\b|\bbic\b"),
    Form(
        "bitcoin-wallet",
        r"\b[13DLMTXmn29A][1-9A-HJ-NP-Za-km-z]{24}",
        r"\b([13DLMTXmn29A][1-9A-HJ-NP-Za-km-z]{24,34})\b",
        look.bitcoin,
        score=1.0,
    ),
    Form(
        "bitcoin-wallet",
        r"(?i)\b(?:bc|tb|ltc|addr|cosmos|osmo|bnb)1[02-9ac-hj-np-z]{8}",
        r"\b((?i:bc|tb|ltc|addr|cosmos|osmo|bnb)1(?:[02-9ac-hj-np-z]{20,}|[02-9AC-HJ-NP-Z]{20,}))\b",
        bech32,
        score=1.0,
    ),
    Form(
        "ethereum-wallet", r"0x[0-9a-fA-F]{8}", r"\b(0x[0-9a-fA-F]{40})\b", lambda each: len(set(each)) > 6, score=0.8
    ),
    Form(
        "monero-wallet",
        r"\b[48][0-9AB][1-9A-HJ-NP-Za-km-z]{10}",
        r"\b([48][0-9AB][1-9A-HJ-NP-Za-km-z]{93})\b",
        score=0.9,
    ),
    Form(
        "solana-wallet",
        r"(?i)solana|phantom",
        r"\b([1-9A-HJ-NP-Za-km-z]{43,44})\b",
        lambda each: any(map(str.isdigit, each)),
        r"solana|phantom|\bsol\b",
        0.7,
    ),
    Form(
        "ripple-wallet",
        r"\br[1-9A-HJ-NP-Za-km-z]{24}",
        r"\b(r[1-9A-HJ-NP-Za-km-z]{24,34})\b",
        lambda each: any(map(str.isdigit, each)),
        r"ripple|\bxrp\b|wallet",
        0.7,
    ),
    Form(
        "card-code",
        r"(?i)cv[vc]2?\b|security[ _\-]?code",
        # Behind a word of a name, too: `card_cvv`, `cardCvv`.
        r"(?:\b|_|[a-z])(?i:(?:cv[vc]2?|security[ _\-]?code)\b(?:[\"'\s:=]{1,6}| is )(\d{3,4}))\b",
        score=0.8,
    ),
)

PAPERS: Final = (
    Form(
        "passport",
        rf"(?i){_PASSPORT}",
        r"(?:^|[^\w\-.])([A-Z]{0,3}\d[A-Z0-9]{4,9})(?:[^\w\-.]|\.(?:\s|$)|$)",
        look.passport,
        _PASSPORT,
    ),
    Form(
        "mrz",
        r"P[A-Z<][A-Z<]{3}[A-Z<]{10}",
        r"\b(P[A-Z<][A-Z][A-Z<]{2}[A-Z<]{30,39}(?:(?:\\[rn]|[\s\"',|]){0,8}[A-Z0-9<]{44}|(?:\\[rn]|[\r\n ]){0,4}[A-Z0-9<]{0,44}))",
        lambda each: "<<" in each,
        score=1.0,
    ),
    Form(
        "mrz",
        r"\d[MFX<]\d{4}",
        r"(?:^|[^A-Z0-9<])([A-Z0-9<]{9}\d[A-Z][A-Z<]{2}\d{7}[MFX<]\d{7}[A-Z0-9<]{14}[0-9<]\d)(?:[^A-Z0-9<]|$)",
        look.mrz_of_book,
        score=1.0,
    ),
    Form(
        "mrz",
        r"\d[MFX<]\d{4}",
        r"((?:[ACI][A-Z<][A-Z][A-Z<]{2}[A-Z0-9<]{25}\s{1,3})?\d{7}[MFX<]\d{7}[A-Z][A-Z<]{2}[A-Z0-9<]{11}\d(?:\s{1,3}[A-Z<]{30})?)(?:[^A-Z0-9<]|$)",
        lambda each: look.mrz_of_card(_second(each)),
        score=1.0,
    ),
    Form(
        "driving-licence",
        r"(?i)driv(?:er|ing)['’]?s?[ _]?licen[cs]e|f(?:ü|ue)hrerschein|permis de conduire",
        r"(?i:(?:driv(?:er|ing)['’]?s?[ _]?licen[cs]e|f(?:ü|ue)hrerschein|permis de conduire)[ _]?(?:no|number|num|nr|id|#)?[\"'\s:.=_#\-]{1,6}(?:is )?)([A-Z0-9][A-Z0-9\-]{5,18}\d[A-Z0-9]{0,3})\b",
        lambda each: sum(map(str.isdigit, each)) > 4,
        score=0.7,
    ),
    Form(
        "uk-nino",
        r"\b[A-Z]{2} ?\d\d ?\d\d ?\d\d ?[A-D]\b",
        r"\b([A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D])\b",
        check.uk_nino,
    ),
    Form(
        "uk-nino",
        r"\bQQ ?\d\d ?\d\d",
        r"\b(QQ ?\d\d ?\d\d ?\d\d ?[A-D])\b",
        words=r"\bni\b|national insurance|nino",
    ),
    Form(
        "address",
        r"(?i)p\.?o\.? box \d",
        r"(?i:\b(p\.?o\.? box \d{1,6}(?:,? [a-z .]{2,30},? [a-z]{2},? \d{5}(?:-\d{4})?)?))",
        score=0.8,
    ),
    Form(
        "it-codice-fiscale",
        r"\b[A-Z]{6}\d\d[A-Z]\d\d",
        r"(?i:\b([A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z])\b)",
        lambda each: check.it_codice(each.upper()),
        score=1.0,
    ),
    Form(
        "fr-nir",
        r"\b[1-478] ?\d\d ?\d\d ?2[AB]",
        r"\b([1-478] ?\d\d ?\d\d ?2[AB] ?\d{3} ?\d{3} ?\d\d)\b",
        lambda each: check.fr_nir(each.replace(" ", "")),
        score=1.0,
    ),
    Form(
        "es-dni",
        r"\b\d{8}-?[A-Z]\b",
        r"\b(\d{8}-?[A-HJ-NP-TV-Z])\b",
        lambda each: check.es_dni(each.replace("-", "")),
        score=0.85,
    ),
    Form(
        "es-dni",
        r"\b\d\d\.\d{3}\.\d{3}-?[A-Z]",
        r"\b(\d\d\.\d{3}\.\d{3}-?[A-HJ-NP-TV-Z])\b",
        lambda each: check.es_dni(each.replace("-", "").replace(".", "")),
    ),
    Form(
        "es-nie",
        r"\b[XYZ]-?\d{7}-?[A-Z]",
        r"\b([XYZ]-?\d{7}-?[A-HJ-NP-TV-Z])\b",
        lambda each: check.es_dni(each.replace("-", "")),
        score=0.95,
    ),
    Form(
        "fi-hetu",
        r"\b\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]\b",
        r"\b(\d{6}[\-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y])\b",
        check.fi_hetu,
        score=0.95,
    ),
    Form("ie-pps", r"\b\d{7}[A-W]", r"\b(\d{7}[A-W][A-IW]?)\b", check.ie_pps, r"\bpps|irish|ireland|revenue"),
    Form(
        "mx-curp", r"\b[A-Z]{4}\d{6}[HMX][A-Z]", r"\b([A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d)\b", check.mx_curp, score=1.0
    ),
    Form(
        "mx-rfc",
        r"\b[A-Z&]{4}\d{6}[A-Z0-9]{3}\b",
        r"\b([A-Z&]{4}\d{6}[A-Z0-9]{3})\b",
        lambda each: check.dated(each[4:10]),
        r"\brfc\b|contribuyente",
    ),
    Form("in-pan", r"\b[A-Z]{5}\d{4}[A-Z]\b", r"\b([A-Z]{3}[ABCFGHLJPT][A-Z]\d{4}[A-Z])\b", score=0.8),
    Form("cn-id", r"\b\d{17}[xX]", r"\b(\d{17}[Xx])\b", check.cn_id, score=1.0),
    Form(
        "tw-id",
        r"\b[A-Z][12]\d{8}\b",
        r"\b([A-Z][12]\d{8})\b",
        check.tw_id,
        r"taiwan|身分證|national id|\broc\b|\bid (?:no|num|card)|identity",
    ),
    Form(
        "hk-id",
        r"\b[A-Z]{1,2}\d{6}\(",
        r"\b([A-Z]{1,2}\d{6}\([0-9A]\))",
        lambda each: check.hk_id(each.replace("(", "").replace(")", "")),
        score=0.95,
    ),
    Form("hk-id", r"(?i)hk ?id|hong kong", r"\b([A-Z]{1,2}\d{6}[0-9A])\b", check.hk_id, r"hk ?id|hong kong"),
    Form("sg-nric", r"\b[STFGM]\d{7}[A-Z]\b", r"\b([STFGM]\d{7}[A-Z])\b", check.sg_nric, score=0.9),
    Form(
        "cl-rut",
        r"\d{3}-[\dkK]\b",
        r"\b(\d{1,2}\.\d{3}\.\d{3}-[\dkK])\b",
        lambda each: check.cl_rut(each.replace(".", "").replace("-", "").upper()),
    ),
    Form(
        "cl-rut",
        r"(?i)\bru[tn]\b",
        r"\b(\d{7,8}-?[\dkK])\b",
        lambda each: check.cl_rut(each.replace("-", "").upper()),
        r"\bru[tn]\b",
    ),
    Form(
        "us-medicare",
        r"\b[1-9][A-Z][A-Z0-9]\d-?[A-Z][A-Z0-9]\d-?[A-Z]{2}\d\d\b",
        r"\b([1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y]{2}\d\d)\b",
        score=0.85,
    ),
)
FORMS: Final = (*CONTACT, *MONEY, *PAPERS)
