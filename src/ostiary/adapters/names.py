"""Names and places by Presidio, with a spaCy model from a folder: nothing is fetched from anywhere."""

from __future__ import annotations

import importlib
import importlib.util
import json
from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

from ostiary.guards.naming import Entity

PACKAGE: Final = "presidio_analyzer"
INSTALL: Final = "pip install 'ostiary[names]'"
_SLUGS: Final = {"PERSON": "name", "LOCATION": "place"}
_META: Final = "meta.json"


class Unusable(ValueError):
    """There is nothing to find names with: what is wrong, and what to do."""

    def __init__(self, said: str, remedy: str) -> None:
        super().__init__(f"{said}; {remedy}")
        self.said, self.remedy = said, remedy


class Model:
    """A model that finds names (port `Names`). It is read when it is first asked, which takes seconds."""

    def __init__(self, folder: Path) -> None:
        """Take the folder of a spaCy pipeline; raise `Unusable` where it is none, or the packages are not there."""
        if importlib.util.find_spec(PACKAGE) is None:
            raise Unusable("needs Presidio, which is not installed", INSTALL)
        try:
            meta = json.loads((folder / _META).read_bytes())
        except (OSError, ValueError):
            raise Unusable("is no folder of a spaCy model", "mount one that has meta.json and config.cfg") from None
        self._folder, self._language = folder, str(meta.get("lang", "en"))

    @cached_property
    def _analyzer(self) -> Any:
        presidio = importlib.import_module(PACKAGE)
        engines = importlib.import_module(f"{PACKAGE}.nlp_engine")
        known = importlib.import_module(f"{PACKAGE}.predefined_recognizers")
        # None but this one: others fetch lists of domains, and their patterns are ours to look for.
        recognizer = known.SpacyRecognizer(supported_language=self._language)
        language = {"lang_code": self._language, "model_name": str(self._folder)}
        return presidio.AnalyzerEngine(
            registry=presidio.RecognizerRegistry([recognizer], supported_languages=[self._language]),
            nlp_engine=engines.SpacyNlpEngine(models=[language]),
            supported_languages=[self._language],
        )

    def ready(self) -> None:
        """Read the model."""
        self._analyzer.nlp_engine.process_text("", self._language)

    def __call__(self, text: str) -> Iterator[Entity]:
        """Yield the names of people and places in a text."""
        if not any(map(str.isalpha, text)):
            return
        for each in self._analyzer.analyze(text, language=self._language, entities=list(_SLUGS)):
            yield Entity(each.start, each.end, _SLUGS[each.entity_type], float(each.score))


@lru_cache(maxsize=4)
def model(folder: Path) -> Model:
    """Return the model of a folder, the same one for all who ask."""
    return Model(folder)
