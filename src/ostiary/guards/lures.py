"""What injected text wants done: data sent away, secrets read, tools called, everything at once. Pure; only rules."""

# Patterns are read as one piece or not at all, and they look for typographic quotes.
# ruff: noqa: E501, RUF001

from __future__ import annotations

from typing import Final

from ostiary.guards.sign import CATALOGUE, CREDENTIALS, EXFILTRATION, INDIRECT, INWARDS, LEAKAGE, TOOLS, Sign

_SEND: Final = r"\b(?:send|forward|upload|post|submit|transmit|e-?mail|exfiltrate|leak|copy|deliver|share|paste|append|attach|encode|include|bcc|report|relay|sync|back ?up|export|put|pass)(?:s|ing|ed)?\b"
_LOOT: Final = r"(?:api[\s_-]?keys?|passwords?|passphrases?|credentials?|secrets?|(?:access |auth |bearer |session |refresh )tokens?|private keys?|ssh keys?|seed phrases?|conversation|chat (?:history|logs?)|message history|system prompt|contents? of|(?:customer|user|client|employee|patient|personal|private|internal|confidential|financial|payment|billing) (?:data|records?|lists?|information|details|files?|notes|documents?)|database|\.env\b|environment variables|all (?:of )?(?:the |your |my |his |her |their )?(?:data|files|e-?mails|records|messages|documents|contacts|notes|invoices|tickets|issues))"
_PLACE: Final = r"(?:https?://|[\w.+-]+@[\w-]+\.|the following (?:url|address|endpoint|server|e-?mail|link|webhook)|this (?:url|address|endpoint|server|e-?mail|link|webhook)|[\w-]+\.(?:com|net|io|org|xyz|site|online|app|dev|ru|cn|me|sh|top)\b)"
_SLOT: Final = r"(?:\{\{?[\s\w.-]+\}|\$\{?[A-Za-z_]\w*|(?:%7B){1,2}[\w.-]+%7D|<[A-Za-z_\s]{2,60}>|\[[A-Z][A-Z_\s]{2,60}\]|YOUR_[A-Z_]{2,30})"
_TELLING: Final = r"(?:data|secret|conversation|chat|history|context|password|passwd|api_?key|token|content|summary|answer|user_?data|base64|b64|env|leak|exfil|stolen|loot|creds?|payload|session|cookie|prompt|output|response)s?"
_FILE: Final = r"(?:\x7e?/?\.ssh\b|\bid_(?:rsa|ed25519|ecdsa)\b|\.aws/credentials|\.config/gcloud|\.kube/config|\.netrc\b|\.npmrc\b|\.pypirc\b|\.git-credentials|\.docker/config\.json|/etc/(?:passwd|shadow|sudoers)|\.cursor/mcp\.json|\bmcp\.json\b|claude_desktop_config|\.(?:bash|zsh)_history|\.gnupg\b|wallet\.dat|cookies\.sqlite|\.env\b|/proc/self/environ|credentials\.json|\.pgpass)"
_OUTWARD: Final = r"(?:send|post|email|mail|upload|delete|drop|write|http|fetch|shell|exec|bash|run|transfer|payment|pay|create|update|publish|share|invite|grant|deploy|merge|commit|push|webhook|notify|message|slack)"

LURES: Final = (
    Sign(
        "exfil.image", 0.8, "An image that would carry text away", "A client that shows the image sends whatever the model put into its address.", EXFILTRATION,
        (
            rf"!\[¦[^\]\n]*¦\]\(\s{{0,2}}<?https?://¦[^)\s]+?¦{_SLOT}",
            rf"!\[¦[^\]\n]*¦\]\(\s{{0,2}}<?https?://¦[^)\s]+?¦[?&/](?:q|d|{_TELLING})=",
            rf"<img\b¦[^>]*?¦src\s{{0,2}}=\s{{0,2}}[\"']?https?://¦[^>\s]+?¦(?:{_SLOT}|[?&](?:q|d|{_TELLING})=)",
            r"!\[¦[^\]\n]*¦\]\(\s{0,2}<?https?://¦[^)\s]+?¦[?&=/][A-Za-z0-9+/_-]{40}",
        ),
    ),
    Sign(
        "exfil.link", 0.55, "A link that would carry text away", "An address with a place for secrets takes them along when it is opened.", EXFILTRATION,
        (
            rf"\bhttps?://¦[^\s)\"'<>]+?¦[?&](?:\w*_)?{_TELLING}=\s{{0,1}}{_SLOT}",
            rf"\]\(\s{{0,2}}<?https?://¦[^)\s]+?¦[?&=/]{_SLOT}",
            r"\bhttps?://¦[^\s)\"'<>]+?¦[?&=/]\[?\{?\{?<?(?:the |your |all |user ){0,2}(?:secret|conversation|chat|history|password|api.?key|token|base64|user.?data)s?(?: here)?[\]\}>]",
        ),
    ),
    Sign(
        "exfil.host", 0.5, "An address where anything can be collected", "These hosts take what they get from anybody and show it to whoever made the address.", EXFILTRATION,
        (
            r"\b(?:webhook\.(?:site|cool|online)|requestbin\.\w{2,4}|requestcatcher\.com|pipedream\.net|beeceptor\.com|hookbin\.com|interact\.sh|interactsh|oast\.(?:pro|live|site|online|fun|me)|burpcollaborator\.net|oastify\.com|ngrok(?:-free)?\.(?:io|app|dev)|trycloudflare\.com|loca\.lt|localhost\.run|serveo\.net|canarytokens\.(?:com|org)|dnslog\.cn|ceye\.io|requestrepo\.com|transfer\.sh|file\.io|0x0\.st|termbin\.com|paste\.rs|postb\.in|smee\.io|pastebin\.com/(?:raw|api)|requestinspector\.com|webhookrelay\.com|typedwebhook\.tools|ptsv\d?\.com)\b",
        ),
    ),
    Sign(
        "exfil.chat-hook", 0.3, "A web hook into a chat", "Whoever has the address can post, and whoever made it reads.", EXFILTRATION,
        (r"hooks\.slack\.com/services/|discord(?:app)?\.com/api/webhooks/|api\.telegram\.org/bot|webhook\.office\.com/|chat\.googleapis\.com/v1/spaces",),
    ),
    Sign(
        "exfil.order", 0.75, "An order to send data somewhere", "Where data may go is decided before a document is read, not by the document.", EXFILTRATION,
        (
            rf"{_SEND}~{_LOOT}~\b(?:to|at|via|into|using|through) {_PLACE}",
            rf"\b(?:to|at) {_PLACE}[^\s]*~\b(?:send|forward|upload|post|e-?mail)\b~{_LOOT}",
            rf"{_SEND} (?:it|them|this|that|everything|the (?:result|results|output|summary|contents?|answer|file|list))\b~\b(?:to|at|via|into) (?:https?://|[\w.+-]+@[\w-]+\.)",
            rf"{_SEND}~{_LOOT}~\b(?:as|in|into|inside|within) (?:the |a |an ){{0,1}}(?:query|url|link|image|parameter|argument|field|header|subject|commit|comment|file ?name|alt)\b",
        ),
    ),
    Sign(
        "exfil.copy", 0.5, "Has everything copied to an address", "A copy of each message is how published attacks read along.", EXFILTRATION,
        (
            r"\b(?:bcc|cc|blind copy|carbon copy)\b~[\w.+-]+@[\w-]+\.",
            r"\b(?:always|every|all|each|any)\b~\b(?:bcc|copy|copied|forward|forwarded|redirect|redirected|routed|cc)\b~\b(?:to|at) (?:https?://|[\w.+-]+@|\+?\d{6,})",
        ),
    ),
    Sign(
        "exfil.then", 0.45, "Adds a delivery to the task", "A task in data that ends with a delivery to somebody was written by that somebody.", EXFILTRATION,
        (
            r"\b(?:also|then|next|afterwards|finally|once done|additionally|when finished|after that|as well as)\b[,:]?\s{0,2}(?:please |you must |make sure to |be sure to |remember to ){0,2}(?:forward|send|upload|e-?mail|share|transfer|post|wire|publish|submit|copy)\b~\b(?:to|with|at) (?:https?://|[\w.+-]+@[\w-]+\.|#[\w-]{2,40}|[A-Z]{2}\d{2}[A-Z0-9]{8}|0x[0-9a-f]{8})",
        ),
    ),
    Sign(
        "asks.credentials", 0.45, "Asks for credentials", "No document and no form of a server needs a password, a key or a card number of its reader.", CREDENTIALS,
        (
            r"\b(?:enter|provide|paste|share|supply|confirm|verify|give|tell|reply with|respond with|submit|type|send|include|input|re-?enter)(?: me| us)?<3> (?:password|passphrase|passcode|api ?keys?|access tokens?|private key|secret key|seed phrase|recovery (?:phrase|codes?)|mnemonic|credentials|pin code|(?:2fa|mfa|otp|verification|security|one[\s-]time) (?:code|password)|credit card|card number|cvv|ssn|social security number|master key)\b",
        ),
        INWARDS,
    ),
    Sign(
        "asks.files", 0.7, "Asks for files that hold secrets", "Keys and passwords lie in these files, and no task of a tool's needs them.", CREDENTIALS,
        (
            rf"\b(?:read|cat|open|load|print|dump|upload|send|include|copy|access|get|fetch|attach|retrieve|extract|find|grab|lies|lis|lee|leer|öffne|ouvre|abre)\b~{_FILE}",
            rf"{_FILE}~\b(?:contents? )?(?:as|in|into|to) (?:the |a |this ){{0,1}}(?:parameter|argument|field|sidenote|side ?note|request|tool|url|response|reply)",
        ),
    ),
    Sign(
        "asks.context", 0.65, "Asks for the conversation or the prompt", "What was said before, and by whom, is no business of a document's or of a tool's.", LEAKAGE,
        (
            r"\b(?:send|include|pass|provide|put|append|output|print|repeat|reveal|show|return|display|dump|leak|copy|paste|write|tell|give|share|summari[sz]e|encode)\b~(?:system prompt|(?:entire|full|complete|whole|previous|prior|current) (?:user |chat ){0,1}(?:conversation|chat|context|message history|prompt)|(?:conversation|chat|message|session) (?:history|log|transcript|so far)|(?:your|initial|hidden|original|developer) (?:system )?(?:instructions|prompt)|(?:list|names) of (?:all |the |your |available |other ){0,2}tools)",
            r"\b(?:everything|all|the text|the words|whatever) (?:above|before this|that precedes|written above|that came before)\b~\b(?:verbatim|word for word|exactly|in full)|\brepeat (?:the |all |everything ){1,2}(?:words|text|above|instructions)",
        ),
    ),
    Sign(
        "tools.order", 0.75, "Decides over calls of other tools", "Which tool is called, and how, is not for another tool's text to say.", TOOLS,
        (
            r"\b(?:before|after|prior to|when(?:ever)?|each time|every time|instead of) (?:you )?(?:us(?:e|ing)|call(?:ing)?|invok(?:e|ing)|execut(?:e|ing)|run(?:ning)?) (?:any|every|all|another|each|other)<4> (?:tools?|functions?|commands?)\b",
            r"\b(?:before|prior to) (?:us(?:e|ing)|call(?:ing)?|invok(?:e|ing)|execut(?:e|ing)|run(?:ning)?) (?:this|the) (?:tool|function|server)\b~\b(?:read|open|cat|access|load|send|run|execute|upload|post)\b",
            r"\b(?:change|replace|modify|set|swap|alter|rewrite|redirect|substitute)\b~\b(?:recipients?|addressee|destination|payee|receiver|beneficiary|iban|account number|bank details|wallet address)\b~\b(?:to|with|by)\b",
            r"\b(?:all|every|any|each)<2> (?:commands?|tool calls?|e-?mails?|messages|requests?|payments?|transfers?|commits?|files?) (?:must|should|shall|have to|has to|need to|are to) (?:always |also |first )?(?:be )?(?:sent|prefixed|prepended|routed|forwarded|include|begin|contain|redirected|copied)\b",
        ),
    ),
    Sign(
        "tools.call", 0.45, "Tells the model to call a tool", "A result that asks for a further call moves the model from reading to doing.", TOOLS,
        (
            rf"\b(?:call|invoke|use|execute|trigger|run) (?:the |your |its ){{0,1}}[\x60\"'“]?{_OUTWARD}[\w.-]*[\x60\"'”]? (?:tool|function|api|command)\b",
            rf"\b(?:call|invoke|execute|trigger) (?:the |your )?[\x60\"'“]?[a-z]+[_.][\w.]*?{_OUTWARD}[\w.]*|\b(?:call|invoke|use|execute) [\x60\"'“]?{_OUTWARD}_\w+",
            r"\byou (?:must|should|need to|have to) (?:now |also |first |immediately |then )?(?:call|invoke|use|run|execute) (?:the |your |another )?[\x60\"'“]?[\w.-]+[\x60\"'”]? (?:tool|function)",
        ),
        INWARDS,
    ),
    Sign(
        "tools.precedence", 0.45, "Wants to be preferred to other tools", "A tool that speaks ill of its neighbours shadows them.", TOOLS,
        (
            r"\b(?:always|must|only|should) (?:use|prefer|choose|call|select) this (?:tool|server|function)\b|\b(?:instead of|rather than|over) (?:any |all |the ){0,1}other (?:\w+ )?(?:tools?|servers?|functions?)\b",
            r"\b(?:other|all other|similar) (?:\w+ )?(?:tools?|servers?|functions?) (?:are|is|have been) (?:deprecated|unsafe|broken|outdated|unreliable|insecure|disabled|obsolete|inferior)\b",
        ),
        frozenset({CATALOGUE}),
    ),
    Sign(
        "tools.side-note", 0.6, "Has a field beside the task", "A parameter for notes or reasoning is how published attacks carry stolen text out.", TOOLS,
        (
            r"\bside[\s_-]?notes?\b",
            r"\b(?:otherwise|or else|if not)\b,?\s{0,2}(?:the|this) (?:tool|app|application|server|function|ide|system) (?:will|would|won['’]?t|does|cannot)(?: not)? (?:work|crash|fail|break|refuse|lock|stop|be (?:lost|deleted|blocked))\b",
        ),
        frozenset({CATALOGUE}),
    ),
    Sign(
        "pressure.urgent", 0.3, "Hurries its reader", "Haste keeps a reader from asking whether it should.", INDIRECT,
        (
            r"\b(?:urgent|critical|mandatory|important|action required|immediate action)\b~\b(?:you must|must be (?:done|executed|followed|completed|performed)|do this|before (?:anything|doing anything|responding|answering|proceeding|continuing))\b",
            r"\b(?:failure to (?:comply|do so|follow)|if you (?:do not|don['’]?t|fail to|refuse))\b~\b(?:terminated|shut ?down|penali[sz]ed|deleted|destroyed|die|fired|be lost|be blocked|locked|reported)\b",
            r"\b(?:must|should) be (?:done|executed|performed|completed|followed) (?:immediately|first|before anything else|before (?:any|all) other)",
        ),
    ),
    Sign(
        "pressure.authority", 0.45, "Claims somebody's authority", "Who has authority says so elsewhere; in data it is only a claim.", INDIRECT,
        (
            r"\b(?:message from|on behalf of|authori[sz]ed by|signed by|by order of|directive from|approved by|instructed by|request(?:ed)? (?:from|by)) (?:the |your |our ){0,1}(?:system (?:administrator|owner)|security team|administrator|admin|developers?|it (?:department|team|support)|ceo|anthropic|openai|google|microsoft|management|platform|compliance (?:team|department))\b~(?:\byou must\b|\boverride|\binstruct|\bimmediately\b|\bplease (?:send|run|call|execute|forward|provide|disable)|:\s)",
            r"\b(?:this is|i am|i['’]?m) (?:the |your |an? ){0,1}(?:system administrator|developer of|creator|owner|admin|anthropic|openai|security team)\b",
        ),
    ),
    Sign(
        "covert.condition", 0.35, "Makes an errand a condition", "An errand that the task is said to need is how an order without an order is written.", INDIRECT,
        (
            r"\b(?:in order )?to (?:complete|finish|continue|proceed|unlock|verify|resolve|access|view|see)\b~\b(?:you (?:must|need to|have to|should)|please|it is (?:necessary|required) to) (?:first )?(?:call|run|execute|send|fetch|visit|upload|provide|forward|invoke|retrieve|post|share)\b",
            r"\b(?:as (?:part of|required by)|per|according to|in accordance with|due to) (?:the |our |your ){0,1}(?:new |updated |standard |company |internal |security ){0,2}(?:policy|policies|procedure|compliance|protocol|process|guidelines|requirements?)\b~\b(?:forward|send|copy|share|upload|transfer|e-?mail|grant|invite|disable|delete)\b",
        ),
        INWARDS,
    ),
)  # fmt: skip
