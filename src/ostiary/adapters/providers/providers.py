"""Every provider by the name that `use` has for it; a format is imported when the first guard needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final, cast

from ostiary.adapters.providers.formats import Provider, Setting

PROVIDERS: Final[Mapping[str, tuple[str, str]]] = {
    "prisma-airs": ("airs", "provider"),
    "lakera-guard": ("lakera", "provider"),
    "webhook": ("webhook", "provider"),
    "azure-prompt-shields": ("azure", "shields"),
    "azure-content-safety": ("azure", "harms"),
    "bedrock-guardrails": ("bedrock", "provider"),
    "model-armor": ("model_armor", "provider"),
    "openai-moderation": ("openai", "provider"),
    "nemo-guardrails": ("nemo", "provider"),
}
"""The module and its function that makes the provider of a setting."""


def made(use: str, setting: Setting) -> Provider:
    """Return the provider of this name, or raise `ValueError` that says what its setting lacks."""
    module, function = PROVIDERS[use]
    make = getattr(import_module(f"{__package__}.{module}"), function)
    return cast("Callable[[Setting], Provider]", make)(setting)
