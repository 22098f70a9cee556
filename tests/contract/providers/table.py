"""Every provider that the contract is held against."""

from __future__ import annotations

from tests.contract.providers.case import Case
from tests.contract.providers.cases_airs import AIRS
from tests.contract.providers.cases_azure import AZURE_HARMS, AZURE_SHIELDS
from tests.contract.providers.cases_bedrock import BEDROCK
from tests.contract.providers.cases_google import MODEL_ARMOR, MODEL_ARMOR_BY_SIDE
from tests.contract.providers.cases_lakera import LAKERA
from tests.contract.providers.cases_nemo import NEMO_CHAT, NEMO_CHAT_BEFORE, NEMO_CHECKS, NEMO_SERVICE
from tests.contract.providers.cases_openai import OPENAI
from tests.contract.providers.cases_webhook import WEBHOOK

CASES: tuple[Case, ...] = (
    AIRS,
    LAKERA,
    WEBHOOK,
    AZURE_SHIELDS,
    AZURE_HARMS,
    BEDROCK,
    MODEL_ARMOR,
    MODEL_ARMOR_BY_SIDE,
    OPENAI,
    NEMO_CHECKS,
    NEMO_CHAT,
    NEMO_CHAT_BEFORE,
    NEMO_SERVICE,
)
