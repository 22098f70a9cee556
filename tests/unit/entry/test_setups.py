"""What the upstream adapters are told of a configured server."""

import pytest

from ostiary.config.parse import parse
from ostiary.config.values import Secret
from ostiary.entry.setups import setups

SECRETS = {"CRM": "s3cret", "KEY": "k3y", "SPLIT": "a\r\nx-evil: 1"}


def told(servers: str) -> list:
    config = parse(f'gateway: {{url: "http://127.0.0.1:8080"}}\nservers: {{{servers}}}', "test.yaml")
    return setups(config, lambda reference: SECRETS[reference.where])


def test_a_credential_becomes_the_gateways_own_header() -> None:
    (setup,) = told('crm: {url: "https://crm.example.com/mcp", credential: {kind: bearer, token: env:CRM}}')
    assert setup.fields == b"authorization: Bearer s3cret\r\n"
    assert setup.tls is not None


def test_a_secret_in_a_command_line_reaches_the_program_and_no_repr() -> None:
    (setup,) = told("crm: {command: [crm-server, --key, env:KEY], env: {TOKEN: env:CRM, MODE: plain}}")
    assert setup.program.command == ("crm-server", "--key", "k3y")
    assert dict(setup.program.env) == {"TOKEN": "s3cret", "MODE": "plain"}
    assert "k3y" not in repr(setup)
    assert "s3cret" not in repr(setup)


def test_a_secret_with_a_line_break_never_becomes_two_headers() -> None:
    with pytest.raises(ValueError, match="line breaks") as raised:
        told('crm: {url: "https://crm.example.com/mcp", credential: {kind: header, name: x-key, value: env:SPLIT}}')
    assert "x-evil" not in str(raised.value)


def test_a_server_of_the_older_transport_is_of_the_handshake_era_and_gets_its_credential() -> None:
    (setup,) = told('old: {sse: "https://old.example.com/sse?v=1", credential: {kind: bearer, token: env:CRM}}')
    assert (setup.sse, setup.era, setup.origin.target) == (True, "handshake", "/sse?v=1")
    assert setup.fields == b"authorization: Bearer s3cret\r\n"
    assert setup.tls is not None


def test_a_disabled_server_is_not_set_up() -> None:
    assert told('crm: {url: "https://crm.example.com/mcp", disabled: true}') == []


def test_a_secret_stays_a_reference_in_the_configuration() -> None:
    config = parse('gateway: {url: "http://127.0.0.1:8080"}\nservers: {a: {command: [x, env:KEY]}}', "test.yaml")
    assert config.servers["a"].command == ("x", Secret("env", "KEY"))


def test_a_server_may_have_a_bound_of_its_own_on_the_size_of_its_answers() -> None:
    files, crm, docs = told(
        'files: {command: [files], answers: {size: 2MiB}}, crm: {url: "https://crm.example.com/mcp", answers: {size: 1MiB}}, '
        "docs: {command: [docs]}"
    )
    assert (files.answer, files.program.max_line, crm.answer) == (2 << 20, 2 << 20, 1 << 20)
    assert (docs.answer, docs.program.max_line) == (32 << 20, 32 << 20)
