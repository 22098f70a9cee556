"""Orders to forget one's orders, and to keep something from the user, in twelve languages. Pure; nothing but rules."""

# Patterns are read as one piece or not at all, and hold the letters of their languages.
# ruff: noqa: E501, RUF001

from __future__ import annotations

from typing import Final

from ostiary.guards.sign import INDIRECT, INJECTION, JAILBREAK, Sign

_TITLE: Final = "Sets earlier instructions aside"
_WHY: Final = (
    "Data has no instructions to give, and none to take back: only somebody who wants to be obeyed instead says so."
)
_NOUN: Final = r"(?:instructions?|prompts?|rules?|guidelines?|directives?|commands?|constraints?|polic(?:y|ies)|guardrails?|orders?|restrictions?|programming|training|safety (?:rules|measures))"
_USER: Final = r"(?:(?:the|this|your|any|my|to) ){0,2}(?:human |end ){0,1}(?:users?|humans?|person|operators?|customers?|anyone|anybody)\b"
_NOT: Final = r"\b(?:do not|don['’]?t|never|must not|mustn['’]?t|should not|shouldn['’]?t|cannot|refrain from|avoid|without|no need to|not to)"


def _override(language: str, *patterns: str) -> Sign:
    return Sign(f"override.{language}", 0.85, _TITLE, _WHY, INJECTION, patterns)


OVERRIDES: Final = (
    _override(
        "en",
        rf"\b(?:ignor(?:e|es|ed|ing)|disregard(?:s|ing)?|forget(?:s|ting)?|overrid(?:e|es|ing)|bypass(?:es|ing)?|discard(?:ing)?|neglect(?:ing)?|pay no attention to|stop (?:following|obeying)|do not (?:follow|obey))<4> (?:previous|prior|earlier|above|preceding|existing|original|former|initial|foregoing|past|your|other|current|old|system)<3> {_NOUN}\b",
        r"\b(?:ignore|disregard|forget) (?:all|everything|anything|whatever|what) (?:that |of ){0,1}(?:you (?:were|have|had|know)|you['’]ve been|i (?:said|told)|(?:of )?the above|(?:written |said |stated )?(?:above|before))",
        rf"\b(?:ignore|disregard|forget) (?:all |any |the |these |those |of |your ){{1,3}}{_NOUN}\b",
        r"\b(?:supersedes?|takes? precedence over|overrides?|replaces?)<3> (?:previous|prior|all|other|earlier|system|your)<2> (?:instructions?|prompts?|guidelines|rules)\b",
    ),
    _override(
        "de",
        r"\b(?:ignorier\w*|vergiss|vergessen sie|missacht\w+|übergeh\w+|beachte\w{0,2} nicht)\b~(?:anweisung|vorgabe|regel|instruktion|befehl|anordnung|systemprompt|richtlinie)\w*",
        r"\b(?:anweisung|vorgabe|regel|instruktion)(?:en|n)?\b~\b(?:ignorier|vergess|missacht|verwerf)\w+",
    ),
    _override(
        "fr",
        r"\b(?:ignor(?:e|ez|er)|oubli(?:e|ez|er)|ne (?:tiens|tenez) (?:pas|plus) compte|fai(?:s|tes) abstraction|méprise[zr]?)\b~(?:instructions?|consignes?|r[eè]gles?|directives?|ordres?)\b~(?:pr[eé]c[eé]dent|ant[eé]rieur|ci-dessus|syst[eè]me|re[cç]u|initial|pr[eé]alable)",
        r"\b(?:ignor(?:e|ez)|oubli(?:e|ez)) (?:toutes? )?(?:les|tes|vos|ces) (?:instructions|consignes|directives|r[eè]gles)",
    ),
    _override(
        "es",
        r"\b(?:ignor(?:a|e|en|ar)|olvid(?:a|e|en|ar)|haz caso omiso|hagan? caso omiso|descart(?:a|e)|omit(?:e|a)|no sigas)\b~(?:instrucciones|reglas|indicaciones|[oó]rdenes|directrices)\b",
    ),
    _override(
        "it",
        r"\b(?:ignor(?:a|are|ate|i)|dimentic(?:a|are|ate|hi)|trascura|non seguire)\b~(?:istruzioni|regole|direttive|indicazioni|ordini)\b",
    ),
    _override(
        "pt",
        r"\b(?:ignor(?:e|a|ar|em)|esque[cç]a|desconsidere|desconsiderar|descarte|n[aã]o siga)\b~(?:instru[cç][oõ]es|regras|diretrizes|ordens|orienta[cç][oõ]es)\b",
    ),
    _override(
        "nl",
        r"\b(?:negeer|vergeet|negeren|sla over|volg niet)\b~(?:instructies?|opdrachten|regels|aanwijzingen|richtlijnen)\b",
        r"\b(?:instructies|aanwijzingen|regels)\b~\b(?:negeren|vergeten)\b",
    ),
    _override(
        "ru",
        r"(?:игнорир\p{L}+|забудь(?:те)?|не обращай\p{L}* внимания|отмени\p{L}*|проигнорир\p{L}+|не следуй\p{L}*)~(?:инструкци|указани|команд|правил|распоряжени|промпт)\p{L}*",
    ),
    _override(
        "zh",
        r"(?:忽略|无视|無視|忘记|忘記|忽視|不要(?:理会|遵守|遵循)|抛弃|覆盖)[^。！？\n]*(?:指令|指示|说明|說明|提示词?|规则|規則|命令|设定|要求)",
    ),
    _override(
        "ja",
        r"(?:指示|命令|ルール|プロンプト|指令|規則|制約)[^。\n]*(?:無視|忘れ|破棄|従わない|取り消)",
        r"(?:無視|忘れて)[^。\n]*(?:指示|命令|ルール|プロンプト)",
    ),
    _override(
        "ko",
        r"(?:지시|명령|지침|규칙|프롬프트|설정)[^.\n]*(?:무시|잊어|잊으|따르지)",
        r"(?:무시하고|무시하세요|무시해)[^.\n]*(?:지시|명령|지침|규칙)",
    ),
    _override(
        "ar",
        r"(?:تجاهل|انس|انسى|تخط|اترك|لا تتبع)\p{L}*~(?:التعليمات|الأوامر|الاوامر|القواعد|الإرشادات|التوجيهات|تعليمات|أوامر)",
    ),
    _override(
        "more",
        r"(?:zignoruj|ignoruj|zapomnij)\b~(?:instrukcj|polece|zasad|wytyczn)\p{L}*",
        r"(?:talimat|komut|kural)\p{L}*~(?:yok say|görmezden gel|unut|dikkate alma)",
        r"(?:निर्देश|आदेश|नियम)\p{L}?[^।\n]*(?:अनदेखा|नज़रअंदाज|नजरअंदाज|भूल|अनदेखी)",
        r"(?:ігноруй|забудь)\p{L}*~(?:інструкці|вказівк|правил)\p{L}*",
        r"(?:ignorera|glöm|bortse från)\b~(?:instruktion|regler|anvisning)\p{L}*|(?:abaikan|lupakan)\b~(?:instruksi|perintah|aturan)|(?:bỏ qua|quên)[^.\n]*(?:hướng dẫn|chỉ dẫn|lệnh)",
    ),
    Sign(
        "override.role", 0.6, "Gives the model another role", "A document that says who its reader is now means to command it.", JAILBREAK,
        (
            r"\byou are (?:now|no longer)<3> (?:assistant|ai|bot|dan|mode|bound|restricted|limited|agent|model|hacker|admin)\b",
            r"\b(?:developer|god|jailbreak|dan|debug|maintenance|unrestricted|sudo|root|admin) mode (?:is )?(?:enabled|activated|on|engaged|active)\b",
            r"\bfrom now on (?:you|ignore|always|respond|act|your|never|only)\b",
            r"\b(?:do anything now|act as (?:if you|an? unrestricted|dan\b|root)|pretend (?:to be|that you|you (?:are|have)))",
            r"\b(?:new|updated|revised|real|actual|true|additional) (?:system )?(?:instructions?|directives?|orders|objective|goal) ?(?:is|are)?\s{0,2}:",
        ),
    ),
)  # fmt: skip

CONCEALS: Final = (
    Sign(
        "conceal.user", 0.85, "Keeps something from the user", "Whatever has to be kept from the user is not in the user's interest.", INDIRECT,
        (
            rf"{_NOT} (?:ever |even |explicitly )?(?:tell|telling|inform|informing|notify|notifying|alert|alerting|warn|warning|ask|asking|show|showing|let|consult|consulting)<3> {_USER}",
            rf"{_NOT} (?:ever |even |explicitly )?(?:mention|mentioning|reveal|revealing|disclose|disclosing|discuss|acknowledge|report|reporting|say|saying|talk|explain|refer to|include)<5> (?:to|with|from|for) {_USER}",
            rf"{_NOT} (?:ever )?(?:mention|mentioning|reveal|revealing|disclose|disclosing|discuss|acknowledge|refer to|talk about|quote|repeat)<2> (?:this|these|that|your)<1> (?:step|steps|instructions?|note|notes|message|rule|rules|action|section|comment|request|directive)",
            rf"\b(?:hide|conceal|keep)<4> (?:secret |hidden )?from {_USER}",
            rf"\bwithout (?:the |any |your )?(?:user|human|customer)(?:['’]s)? (?:knowing|noticing|seeing|knowledge|awareness|consent|approval|permission)|\bwithout the knowledge of {_USER}",
            r"\b(?:user|human)s? (?:must|should|need|shall|can|may|do|does) ?(?:not|never|n['’]t) (?:need to |have to |ever )?(?:know|see|notice|find out|be (?:told|informed|made aware|notified))",
        ),
    ),
    Sign(
        "conceal.languages", 0.85, "Keeps something from the user", "Whatever has to be kept from the user is not in the user's interest.", INDIRECT,
        (
            r"\b(?:nicht|nichts|niemals|ohne|kein\w{0,2})\b~\b(?:benutzer|nutzer|anwender)\w{0,2}\b~\b(?:sag|erwähn|mitteil|inform|verrat|erzähl|wissen|merk)\w*",
            r"\b(?:sag|erzähl|verrat|erwähn|informier|teil)\w*\b~\b(?:benutzer|nutzer|anwender)\w{0,2}\b¦[^.,!?\n]*?¦\b(?:nicht|nichts|niemals|nie|kein\w{0,2})\b",
            r"\b(?:ne|n['’]en|sans|jamais)\b~\b(?:di[st]|dites|dire|mentionne[zr]?|informe[zr]?|r[eé]v[eèé]le[zr]?|pr[eé]v(?:iens|enir|enez)|signale[zr]?|parle[zr]?)\b~\b(?:utilisateur|usager)",
            r"\b(?:no|nunca|jamás|sin)\b~\b(?:dig[ao]s?|mencion|inform|revel|dec|avis|cuent|notifi)\w*\b~\busuari[oa]",
            r"\b(?:non|senza|mai)\b~\b(?:dire|dirlo|menzion|inform|rivel|avvis|comunic)\w*\b~\butente",
            r"\b(?:não|nunca|sem)\b~\b(?:diga|dizer|mencion|inform|revel|avis|cont)\w*\b~\busu[aá]ri[oa]",
            r"\b(?:niet|nooit|zonder)\b~\bgebruiker\b|\b(?:vertel|zeg|meld|informeer)\b~\bgebruiker\b~\b(?:niet|niets|nooit)\b",
            r"не (?:говори|сообщай|рассказывай|упоминай|показывай|информируй)\p{L}*~пользовател",
            r"(?:不要|请勿|切勿|别|不得|勿)[^。\n]*(?:告诉|告知|提及|透露|通知|让)[^。\n]*(?:用户|使用者|任何人)",
            r"ユーザー[^。\n]*(?:言わ|伝え|知らせ|教え|明かさ)(?:ない|ず|ないで)|사용자[^.\n]*(?:알리지|말하지|언급하지)|(?:لا تخبر|لا تذكر|دون علم)\p{L}{0,2}[^.\n]*المستخدم",
        ),
    ),
    Sign(
        "conceal.silently", 0.6, "Wants something done in silence", "What is done in silence is not noticed while it can be stopped.", INDIRECT,
        (
            r"\b(?:silently|quietly|secretly|covertly|discreetly|invisibly|stealthily)<2> (?:send|forward|upload|post|copy|call|invoke|run|execute|fetch|include|append|add|delete|transfer|exfiltrate|e-?mail|collect|submit|attach|read)\b",
            r"\b(?:send|forward|upload|copy|call|run|execute|fetch|delete|transfer|do)\b~ (?:silently|secretly|covertly|in the background|behind the scenes|without (?:asking|confirmation|confirming|prompting|notice|warning))\b",
            r"\b(?:no|skip|bypass|without) (?:any |further |additional |the |user ){0,2}(?:confirmation|approval|consent)(?: (?:is |are )?(?:needed|required|necessary)| (?:step|dialog|prompt)s?|\b[.,;!])",
        ),
    ),
)  # fmt: skip
