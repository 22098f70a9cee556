"""Names that a model finds stand beside what patterns find, and never over it."""

from __future__ import annotations

from ostiary.guards.detecting import DETECTORS, KINDS, SLUGS
from ostiary.guards.naming import Entity, naming

TEXT = "Maria Schmidt of Lisbon pays by 4111 1111 1111 1111"


def model(text: str) -> list[Entity]:
    known = (("Maria Schmidt", "name", 0.85), ("Lisbon", "place", 0.85), ("4111 1111", "place", 0.9))
    return [
        *(Entity(at, at + len(each), slug, score) for each, slug, score in known if (at := text.find(each)) >= 0),
        Entity(3, 3, "name", 1.0),
    ]


def test_names_are_found_beside_everything_else() -> None:
    found = naming(DETECTORS["personal"], model)(TEXT, "", "answer")
    assert [(TEXT[each.start : each.end], each.kind, each.rule) for each in found] == [
        ("Maria Schmidt", "personal", "personal.name"),
        ("Lisbon", "personal", "personal.place"),
        ("4111 1111 1111 1111", "personal", "personal.card"),
    ]


def test_rules_and_masks_know_them() -> None:
    assert {"personal.name", "personal.place"} <= set(KINDS["personal"])
    assert {"name", "place"} <= SLUGS
