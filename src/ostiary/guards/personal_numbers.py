"""Numbers of people that are digits alone: their shapes, their check, the words that they stand beside. Pure.

A shape is how a number is written, 9 for any digit, ~ for one separator or none, _ for a blank. A shape in `alone` counts without a
word nearby, because it is written like nothing else; all others need one of the `words`.
"""

# ruff: noqa: E501
# A row is one line and a pattern is one string: cut in two, neither can be read against its maker's page.

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from ostiary.guards import national_checks as check
from ostiary.guards.checksums import luhn, mod11_10


class Number(Struct, frozen=True):
    """One kind of number."""

    slug: str
    words: str
    """A pattern over small letters; words are apart by blanks."""
    shapes: str
    valid: Callable[[str], bool]
    alone: str = ""
    generic: bool = True
    """Whether "national id" and the like are words enough: for what has a check digit."""


_BRANDS: Final[tuple[tuple[int, int, frozenset[int]], ...]] = (
    # First six digits from, to (ISO/IEC 7812 ranges as the brands publish them), and the lengths in use.
    (300000, 305999, frozenset({14, 16, 19})),
    (309500, 309599, frozenset({14, 16, 19})),
    (340000, 349999, frozenset({15})),
    (352800, 358999, frozenset({16, 17, 18, 19})),
    (360000, 369999, frozenset({14, 16, 19})),
    (370000, 379999, frozenset({15})),
    (380000, 399999, frozenset({14, 16, 19})),
    (400000, 499999, frozenset({13, 16, 19})),
    (500000, 509999, frozenset({16, 19})),
    (510000, 559999, frozenset({16})),
    (560000, 589999, frozenset({16, 19})),
    (601100, 601199, frozenset({16, 19})),
    (620000, 629999, frozenset({16, 17, 18, 19})),
    (630000, 639999, frozenset({16, 19})),
    (644000, 659999, frozenset({16, 19})),
    (670000, 679999, frozenset({16, 19})),
    (222100, 272099, frozenset({16})),
    (220000, 220499, frozenset({16, 19})),
    (810000, 817199, frozenset({16, 19})),
)


def card(digits: str) -> bool:
    """Say whether a brand issues cards with this beginning and length, and Luhn's digit holds."""
    head, size = int(digits[:6]), len(digits)
    return any(low <= head <= high and size in sizes for low, high, sizes in _BRANDS) and luhn(digits)


_ = Number

NATIONAL: Final = (
    _(
        "us-ssn",
        r"\bssns?\b|social ?sec|\bsoc ?sec|\bss ?(?:#|no|num)|taxpayer|\btin\b|seguro social",
        "999~99~9999",
        check.us_ssn,
        "999-99-9999",
    ),
    _("us-itin", r"\bitins?\b|taxpayer|\btin\b|tax ?id", "999~99~9999", check.us_itin, "999-99-9999"),
    _("us-ein", r"\bf?ein\b|employer id|federal tax", "99-9999999 999999999", check.anything, generic=False),
    _("us-npi", r"\bnpi\b|national provider", "9999999999", check.us_npi, generic=False),
    _("uk-nhs", r"\bnhs\b|national health", "999~999~9999", check.uk_nhs),
    _("uk-utr", r"\butr\b|unique taxpayer", "9999999999 99999~99999", check.anything, generic=False),
    _("de-steuer-id", r"steuer|\bidnr\b|\btin\b|tax ?(?:id|number)", "99999999999 99~999~999~999", check.de_steuer_id),
    _(
        "fr-nir",
        r"\bnir\b|\binsee\b|s[ée]curit[ée] sociale|\bn ?ss\b|num[ée]ro de s[ée]cu",
        "999999999999999 9~99~99~99~999~999~99 9999999999999_99",
        check.fr_nir,
        "999999999999999 9_99_99_99_999_999_99",
    ),
    _("pt-nif", r"\bnif\b|contribuinte|n[úu]mero fiscal|\bnipc\b|tax ?(?:id|number)", "999~999~999", check.pt_nif),
    _("nl-bsn", r"\bbsn\b|burger ?service|sofi ?n", "999999999 9999~99~999 999~999~999", check.nl_bsn),
    _(
        "be-nn",
        r"rijksregister|registre national|national (?:number|register)|\binsz\b|\bniss\b|\bnrn\b|\brrn\b",
        "99.99.99-999.99 99999999999 999999~999~99",
        check.be_nn,
        "99.99.99-999.99",
    ),
    _("pl-pesel", r"pesel", "99999999999", check.pl_pesel),
    _(
        "se-personnummer",
        r"person ?n(?:umme)?r|personal (?:identity )?n|samordnings|\bpnr\b|swedish",
        "999999-9999 99999999-9999 9999999999 999999999999",
        check.se_personnummer,
        "999999-9999 99999999-9999",
    ),
    _("dk-cpr", r"\bcpr\b|person ?nummer|danish", "999999-9999 9999999999", check.dk_cpr),
    _(
        "no-fodselsnummer",
        r"f(?:ø|o|oe)dsels ?n|person ?nummer|\bd ?nummer|\bfnr\b|norwegian",
        "99999999999 999999~99999",
        check.no_fodselsnummer,
    ),
    _(
        "ch-ahv",
        r"\bahv\b|\bavs\b|\boasi\b|sozialversicherung",
        "999.9999.9999.99 9999999999999",
        lambda each: each[:3] == "756" and check.ch_ahv(each),
        "999.9999.9999.99 9999999999999",
    ),
    _("at-svnr", r"\bsvnr\b|sozialversicherung|\bsv ?n|versicherungsn", "9999~999999 9999~99~99~99", check.at_svnr),
    _("cz-rodne", r"rodn|birth number|\brc\b", "999999/9999 9999999999", check.cz_rodne, "999999/9999"),
    _("ro-cnp", r"\bcnp\b|numeric personal", "9999999999999", check.ro_cnp),
    _("bg-egn", r"\begn\b|егн|единен", "9999999999", check.bg_egn),
    _("baltic-code", r"isikukood|asmens kod|personal code", "99999999999", check.baltic),
    _(
        "lv-code",
        r"personas kod|latvia",
        "999999-99999",
        lambda each: check.dated(each, "dmy") or each[:2] == "32",
        generic=False,
    ),
    _("gr-amka", r"amka|αμκα", "99999999999", check.gr_amka),
    _("hr-oib", r"\boib\b|osobni identif", "99999999999", mod11_10),
    _(
        "ru-snils",
        r"snils|снилс|страховой",
        "999-999-999_99 999-999-999-99 99999999999",
        check.ru_snils,
        "999-999-999_99 999-999-999-99",
    ),
    _("ru-inn", r"\binn\b|инн", "999999999999", check.ru_inn),
    _("tr-kimlik", r"kimlik|\btckn\b|\btc ?(?:no|kimlik|id)|t\.c\.|turkish", "99999999999", check.tr_kimlik),
    _("il-id", r"teudat|zehut|תעודת|ת\.ז|israel", "999999999 9-9999999-9 99999999-9", check.il_id),
    _(
        "za-id",
        r"south africa|\bsa id|\brsa id|\bza\b|identity n",
        "9999999999999 999999~9999~99~9 999999~9999~999",
        check.za_id,
    ),
    _(
        "ae-emirates-id",
        r"emirates|\beid\b|\buae\b",
        "999-9999-9999999-9 999999999999999",
        check.ae_emirates,
        "999-9999-9999999-9",
    ),
    _("sa-id", r"iqama|saudi|absher", "9999999999", check.sa_id),
    _("in-aadhaar", r"a+dha+r|\buid(?:ai)?\b|आधार", "9999~9999~9999", check.in_aadhaar),
    _(
        "pk-cnic",
        r"\bcnic\b|\bnic\b|pakistan",
        "99999-9999999-9 9999999999999",
        check.anything,
        "99999-9999999-9",
        generic=False,
    ),
    _(
        "cn-id",
        r"身份证|身份號|居民|chinese id|\bprc\b|resident id",
        "999999999999999999",
        check.cn_id,
        "999999999999999999",
    ),
    _("kr-rrn", r"주민|\brrn\b|resident reg|jumin", "999999-9999999 9999999999999", check.kr_rrn, "999999-9999999"),
    _("jp-my-number", r"my ?number|マイナンバー|個人番号|kojin", "9999~9999~9999", check.jp_my_number),
    _(
        "th-id",
        r"thai|บัตร|ประชาชน",
        "9-9999-99999-99-9 9999999999999 9_9999_99999_99_9",
        check.th_id,
        "9-9999-99999-99-9",
    ),
    _(
        "my-nric",
        r"nric|my ?kad|\bic ?(?:no|num)|kad pengenalan|malaysia",
        "999999-99-9999 999999999999",
        check.my_nric,
        "999999-99-9999",
    ),
    _("id-nik", r"\bnik\b|\bktp\b|indonesia", "9999999999999999", check.id_nik, generic=False),
    _("vn-cccd", r"\bcccd\b|căn cước|\bcmnd\b|vietnam", "999999999999 999999999", check.anything, generic=False),
    _("ca-sin", r"\bsin\b|social insurance|assurance sociale|\bnas\b", "999~999~999", check.ca_sin),
    _("au-tfn", r"\btfn\b|tax file", "999~999~999 99~999~999~9", check.au_tfn),
    _("au-medicare", r"medicare", "9999~99999~9 9999~99999~9~9 9999_99999_9/9", check.au_medicare),
    _("nz-ird", r"\bird\b|inland revenue", "99~999~999 999~999~999", check.nz_ird),
    _("br-cpf", r"\bcpf\b|cadastro de pessoa", "999.999.999-99 99999999999", check.br_cpf, "999.999.999-99"),
    _("br-cnpj", r"\bcnpj\b", "99.999.999/9999-99 99999999999999", check.br_cnpj, "99.999.999/9999-99"),
    _("ar-cuit", r"\bcui[tl]\b", "99-99999999-9 99999999999", check.ar_cuit, "99-99999999-9"),
    _(
        "co-cedula",
        r"c[ée]dula|\bcc ?n|ciudadan[íi]a",
        "99999999 9999999999 9.999.999.999 99.999.999",
        check.anything,
        generic=False,
    ),
    _("pe-dni", r"\bdni\b", "99999999 99.999.999", check.anything, generic=False),
)

BANKING: Final = (
    _(
        "medical-record",
        r"\bmrn\b|medical rec|patient ?(?:id|no|num)",
        "999999 9999999 99999999 999999999 9999999999",
        check.anything,
        generic=False,
    ),
    _(
        "card",
        r"card|credit|debit|visa|master|amex|american express|\bpan\b|\bcc\b|payment|discover|maestro|kreditkarte|carte|tarjeta|cart[ãa]o",
        "9999~9999~9999~9999 9999~999999~99999 9999~999999~9999 9999~9999~9999~9999~999 9999999999999 99999~99999~99999~9999",
        card,
        "9999~9999~9999~9999 9999~999999~99999 9999~999999~9999 9999_9999_9999_9999_999 9999-9999-9999-9999-999",
        generic=False,
    ),
    _("us-routing", r"routing|\baba\b|\brtn\b", "999999999 9999~9999~9", check.us_aba, generic=False),
    _("imei", r"\bimei\b", "999999999999999 99~999999~999999~9", luhn, generic=False),
    _("sort-code", r"sort ?code", "99-99-99 999999", check.anything, generic=False),
    _(
        "bank-account",
        r"bank ?acc|account ?(?:no|num|#)|acct ?(?:no|num|#)|konto ?nummer|\bacc ?no|n[úu]mero de cuenta",
        "999999 9999999 99999999 999999999 9999999999 99999999999 999999999999 99999999999999 9999_9999_9999 99~9999~9999999~99",
        check.anything,
        generic=False,
    ),
)

FALLBACK: Final = _(
    "national-id",
    r"national (?:id|insurance|identi)|citizen ?(?:id|ship n)|personal identi|identity (?:card|n|doc)|identification n|government id|\bid card|ausweis(?:n| ?nr)|carte d.?identit[ée]|documento (?:de identidad|nacional)|carta d.?identit",
    "9999999 99999999 999999999 9999999999 99999999999 999999999999 9999999999999 99999999999999 999999999999999",
    check.anything,
)
NUMBERS: Final = (*NATIONAL, *BANKING, FALLBACK)
GENERIC: Final = (
    FALLBACK.words
    + r"|\bid ?(?:no|num|nr|#)|national ?id|\bnin\b|tax ?(?:id|payer|number)|identi(?:ty|fication)|\bssn\b|personal (?:id|n)|person ?nummer|social ?sec"
)
_SEPARATORS: Final = ("", " ", "-", ".")


def written(shapes: str) -> list[str]:
    """Return the ways in which a number may be written; an underscore in a shape is a blank."""
    every = [each.replace("_", " ") for each in shapes.split()]
    return [shape.replace("~", mark) for shape in every for mark in (_SEPARATORS if "~" in shape else ("",))]
