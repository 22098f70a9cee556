"""Telephone numbers, judged by the numbering plans that `phonenumbers` knows. Pure.

Imported only when a text shows something shaped like a number that the plans can judge: the plans take 11 MB.
"""

from __future__ import annotations

import phonenumbers


def judged(text: str, region: str) -> tuple[bool, bool]:
    """Say whether a number is assigned, and whether it has a possible length; region "" needs a country in front."""
    try:
        number = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        return False, False
    return phonenumbers.is_valid_number(number), phonenumbers.is_possible_number(number)
