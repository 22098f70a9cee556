"""What everybody writes: phrases by which no text is known again. Pure."""

from __future__ import annotations

from functools import cache
from typing import Final

from ostiary.guards.winnowing import grams, normal

PHRASES: Final = (
    "please let me know if you have any questions or concerns",
    "please let me know if you need anything else",
    "let me know if you need any further information",
    "please do not hesitate to contact me if you have any questions",
    "please do not hesitate to reach out to us",
    "if you have any questions, please feel free to contact us",
    "thank you for your patience and understanding",
    "thank you for your understanding",
    "thank you very much in advance for your help",
    "thank you for reaching out to us",
    "thanks in advance, best regards, kind regards, with kind regards, yours sincerely",
    "looking forward to hearing from you",
    "I look forward to hearing from you soon",
    "I hope this email finds you well", "I hope this message finds you well", "I hope you are doing well",
    "I am writing to inform you that",
    "please find attached the following", "please see the attached document",
    "as soon as possible", "for more information, please see", "at your earliest convenience",
    "this email and any attachments are confidential and intended solely for the use of the individual",
    "or entity to whom they are addressed",
    "if you have received this email in error please notify the sender immediately and delete it",
    "this message was sent automatically, please do not reply to this email",
    "all rights reserved", "terms and conditions", "click here to unsubscribe", "to unsubscribe from this list",
    "licensed under the Apache License, Version 2.0", "permission is hereby granted, free of charge, to any person",
    'the software is provided "as is", without warranty of any kind, express or implied',
    "Mit freundlichen Grüßen", "Bitte zögern Sie nicht, mich zu kontaktieren", "Vielen Dank im Voraus für Ihre Hilfe",
    "Bei Fragen stehe ich Ihnen gerne zur Verfügung", "Ich freue mich auf Ihre Rückmeldung",
    "Cordialement, je vous prie d'agréer, Madame, Monsieur, l'expression de mes sentiments distingués",
    "N'hésitez pas à me contacter si vous avez des questions", "Je vous remercie par avance pour votre aide",
    "No dude en ponerse en contacto con nosotros si tiene alguna pregunta", "Quedo a la espera de su respuesta",
    "Gracias de antemano por su ayuda", "Saluti cordiali, rimango a disposizione per qualsiasi domanda",
    "Com os melhores cumprimentos, fico à disposição para qualquer esclarecimento",
    "https://www.google.com/search?q=", "https://www.linkedin.com/in/", "https://docs.google.com/document/d/",
    "https://en.wikipedia.org/wiki/", "https://stackoverflow.com/questions/", "https://raw.githubusercontent.com/",
    "Content-Type: application/json; charset=utf-8", "Content-Type: text/html; charset=utf-8",
    "Content-Type: application/x-www-form-urlencoded", "Content-Transfer-Encoding: quoted-printable",
    "Traceback (most recent call last)", '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    "from __future__ import annotations", 'if __name__ == "__main__"',
    "SELECT * FROM information_schema.tables WHERE",
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "January February March April May June July August September October November December",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", "01234567890123456789012345678901234567890",
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit",
    "sed do eiusmod tempor incididunt ut labore et dolore magna aliqua",
)  # fmt: skip


@cache
def common(salt: bytes) -> frozenset[int]:
    """Return the fingerprints that say nothing: of these phrases, and of one character again and again."""
    repeated = (each * 32 for each in "0123456789abcdefghijklmnopqrstuvwxyz")
    return frozenset(one for each in (*PHRASES, *repeated) for one in grams(normal(each), salt))
