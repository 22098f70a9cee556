"""Check digits against numbers that states and standards print as examples."""

from __future__ import annotations

import pytest

from ostiary.guards import checksums
from ostiary.guards import national_checks as check
from ostiary.guards import personal_checks as look
from ostiary.guards.personal_numbers import card

PRINTED = {
    "us_ssn": ("219099999", "000129999"),
    "us_itin": ("912701234", "123701234"),
    "uk_nhs": ("9434765919", "9434765918"),
    "uk_nino": ("JG103759A", "GB103759A"),
    "de_steuer_id": ("86095742719", "86095742718"),
    "fr_nir": ("255081416802538", "255081416802539"),
    "it_codice": ("RSSMRA85T10A562S", "RSSMRA85T10A562T"),
    "es_dni": ("12345678Z", "12345678A"),
    "pt_nif": ("123456789", "123456788"),
    "nl_bsn": ("111222333", "111222334"),
    "be_nn": ("85073003328", "85073003329"),
    "pl_pesel": ("44051401359", "44051401358"),
    "se_personnummer": ("8112189876", "8112189875"),
    "fi_hetu": ("131052-308T", "131052-308U"),
    "dk_cpr": ("2110625629", "4510625629"),
    "no_fodselsnummer": ("29029900157", "29029900158"),
    "ch_ahv": ("7569217076985", "7569217076984"),
    "at_svnr": ("1237010180", "1238010180"),
    "ie_pps": ("1234567T", "1234567A"),
    "cz_rodne": ("7103192745", "7103192746"),
    "ro_cnp": ("1630615123457", "1630615123458"),
    "bg_egn": ("7523169263", "7523169264"),
    "baltic": ("37605030299", "37605030298"),
    "gr_amka": ("01013099997", "01013099998"),
    "br_cpf": ("52998224725", "52998224726"),
    "br_cnpj": ("11222333000181", "11222333000182"),
    "ar_cuit": ("20267565393", "20267565394"),
    "cl_rut": ("125319092", "125319093"),
    "mx_curp": ("BOXW310820HNERXN09", "BOXW310820HNERXN08"),
    "in_aadhaar": ("234123412346", "234123412345"),
    "cn_id": ("11010519491231002X", "110105194912310021"),
    "kr_rrn": ("9001011234567", "9013011234567"),
    "jp_my_number": ("123456789018", "123456789017"),
    "tw_id": ("A123456789", "A123456788"),
    "hk_id": ("A1234563", "A1234564"),
    "sg_nric": ("S1234567D", "S1234567E"),
    "th_id": ("1101700230708", "1101700230707"),
    "my_nric": ("800101141234", "800101001234"),
    "ca_sin": ("046454286", "046454287"),
    "au_tfn": ("123456782", "123456783"),
    "au_medicare": ("2123456701", "2123456711"),
    "nz_ird": ("49091850", "49091851"),
    "za_id": ("8001015009087", "8001015009088"),
    "tr_kimlik": ("10000000146", "10000000147"),
    "il_id": ("123456782", "123456783"),
    "ru_snils": ("11223344595", "11223344596"),
    "ru_inn": ("500100732259", "500100732258"),
    "us_aba": ("021000021", "021000022"),
    "us_npi": ("1234567893", "1234567894"),
    "id_nik": ("3171234101900001", "3171234113900001"),
    "ae_emirates": ("784198012345678", "784198012345679"),
    "sa_id": ("1000000008", "1000000009"),
}


@pytest.mark.parametrize("name", PRINTED)
def test_a_printed_number_holds_and_its_neighbour_does_not(name: str) -> None:
    right, wrong = PRINTED[name]
    assert getattr(check, name)(right)
    assert not getattr(check, name)(wrong)


def test_second_forms_of_numbers_hold_too() -> None:
    assert check.es_dni("X1234567L")
    assert check.nz_ird("136410132")
    assert check.ie_pps("1234567FA") or check.ie_pps("1234567TW")
    assert check.se_personnummer("198112189876")
    assert check.fr_nir("255082A16802597")
    assert check.sg_nric("F1234567N")
    assert check.hk_id("AB9876543")
    assert check.anything("")


def test_estonian_and_new_zealand_numbers_have_second_weights() -> None:
    """Both rules: where the first row of weights leaves ten, the second one counts."""
    estonian = next(f"4{n}" for n in range(900516000, 900516999) if _first_rest(f"4{n}") == 10)
    assert any(check.baltic(estonian + last) for last in "0123456789")
    assert any(
        check.nz_ird(f"{n:08d}{last}") for n in range(13641000, 13641050) for last in range(10) if _ird_rest(n) == 10
    )


def _first_rest(digits: str) -> int:
    return checksums.weighed(digits, (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11


def _ird_rest(number: int) -> int:
    return -checksums.weighed(f"{number:08d}", (3, 2, 7, 6, 5, 4, 3, 2)) % 11


def test_singapores_series_of_2022_has_letters_of_its_own() -> None:
    assert any(check.sg_nric(f"M1234567{last}") for last in "XWUTRQPNJLK")


def test_bitcoin_addresses_hold_by_their_checksums() -> None:
    """BIP 173's and BIP 350's examples, and the first addresses of the two older forms."""
    assert checksums.base58check("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2") == 0
    assert checksums.base58check("3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy") == 5
    assert checksums.base58check("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3") == -1
    assert checksums.base58check("1" + "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2") == -1
    assert checksums.base58check("z" * 36) == -1
    assert checksums.bech32("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")
    assert checksums.bech32("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0")
    assert not checksums.bech32("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5")


def test_the_checksum_of_github_and_npm_is_crc32_in_base_62() -> None:
    assert checksums.crc62("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ") == "0mLq17"


@pytest.mark.parametrize(
    "number",
    [
        "4111111111111111",
        "5555555555554444",
        "378282246310005",
        "6011111111111117",
        "3530111333300000",
        "30569309025904",
    ],
)
def test_the_brands_test_cards_are_cards(number: str) -> None:
    assert card(number)
    assert not card(number[:-1] + str((int(number[-1]) + 1) % 10))


def test_an_iban_has_its_countrys_length() -> None:
    assert look.iban("DE89 3704 0044 0532 0130 00")
    assert look.iban("GB82WEST12345698765432")
    assert not look.iban("GB82WEST1234569876543")
    assert not look.iban("XX82WEST12345698765432")
    assert look.iban_part("DE89 3704 0044 0532 0130 00 BANK") == "DE89 3704 0044 0532 0130 00"
    assert look.iban_part("XX12 3456") == "XX12 3456"


@pytest.mark.parametrize(
    "text", ["1.2.3.4", "300.1.1.1", "10.01.2.3", "127.0.0.1", "10.1.2.3", "192.0.2.9", "8.8.8.8", "239.1.2.3"]
)
def test_addresses_of_nobody_are_not_personal(text: str) -> None:
    assert not look.ipv4(text)


def test_addresses_of_somebody_are() -> None:
    assert look.ipv4("93.184.216.34")
    assert look.ipv4_high("93.184.216.34")
    assert not look.ipv4_high("4.10.22.7")
    assert look.ipv6("2a00:1450:4001:81b::200e")
    assert not look.ipv6("2001:db8::1")
    assert not look.ipv6("2a00:::")


@pytest.mark.parametrize("text", ["logo@2x.png", "git@github.com", ".a@b.co", "bob@host.local", "noreply@corp.com"])
def test_what_looks_like_an_address_of_mail_and_is_not(text: str) -> None:
    assert not look.email(text)


def test_a_year_of_birth_is_one_of_somebody_alive_or_lately() -> None:
    assert look.dated("12/03/87")
    assert look.dated("1 May 1950")
    assert not look.dated("1 May 1750")
    assert not look.dated("12/03")
