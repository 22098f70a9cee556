"""Secrets of services: chat, payment, mail, monitoring and office, each with the shape its maker gave it. Pure."""

# A row is one line and a pattern is one string: cut in two, neither can be read against its maker's page.

from __future__ import annotations

from typing import Final

from ostiary.guards.secret_kinds import UUID, SecretKind, near

CHAT: Final = (
    SecretKind(
        "slack-token",
        r"xox[abeoprs]-|xapp-\d",
        r"\b((?:xox[abeoprs]-(?:\d-)?|xoxe\.xox[bp]-\d-)[A-Za-z0-9\-]{10,}|xapp-\d-[A-Za-z0-9\-]{20,})",
    ),
    SecretKind(
        "slack-webhook",
        r"hooks\.slack\.com",
        r"((?:https?://)?hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{20,})",
    ),
    SecretKind(
        "discord-token",
        # Not its first part: what may begin anywhere and is counted makes a state of the engine for each combination.
        r"\.[\w-]{6}\.[\w-]{27}",
        r"\b([MNO][\w\-]{23,27}\.[\w\-]{6}\.[\w\-]{27,40})(?:[^\w\-]|$)",
        "discord",
    ),
    SecretKind(
        "discord-webhook",
        r"discord(?:app)?\.com/api/webhooks",
        r"((?:https?://)?discord(?:app)?\.com/api/webhooks/\d{17,20}/[\w\-]{60,72})",
    ),
    SecretKind(
        "telegram-token",
        r"\d{8}:[A-Za-z0-9_-]{8}",
        r"(?:^|[^\d.:\-])(?:bot)?(\d{8,10}:[A-Za-z0-9_\-]{35})(?:[^\w\-]|$)",
    ),
    SecretKind(
        "teams-webhook",
        r"webhook\.office\.com",
        rf"((?:https?://)?[\w\-]{{1,60}}\.webhook\.office\.com/webhookb2/{UUID}@{UUID}/IncomingWebhook/[0-9a-f]{{32}}/{UUID})",
        "any",
    ),
    SecretKind(
        "google-chat-webhook",
        r"chat\.googleapis\.com",
        r"((?:https?://)?chat\.googleapis\.com/v1/spaces/[\w\-]{5,40}/messages\?key=[\w\-]{20,60}&token=[\w\-%]{20,80})",
    ),
    SecretKind(
        "zapier-webhook",
        r"hooks\.zapier\.com",
        r"((?:https?://)?hooks\.zapier\.com/hooks/catch/\d{4,12}/[A-Za-z0-9]{5,12})",
    ),
    near("mattermost-token", "mattermost", "[a-z0-9]{26}", "random"),
    SecretKind("twitch-token", r"oauth:", r"\b(oauth:[a-z0-9]{30})\b"),
    SecretKind("facebook-token", r"EAA[A-Za-z0-9]{4}", r"\b(EAA[A-Za-z0-9]{2,6}[A-Za-z0-9%\-]{80,})"),
    SecretKind("instagram-token", r"IGQ[A-Za-z]", r"\b(IGQ[\w\-]{80,})"),
    SecretKind("twitter-bearer", r"AAAAAAAAAA", r"\b(A{20,24}[A-Za-z0-9%]{70,})\b", "mixed"),
    near("twitter-key", r"twitter", r"[A-Za-z0-9]{25}|[A-Za-z0-9]{35,50}", "mixed"),
    near("linkedin-key", r"linkedin", r"[A-Za-z0-9]{16}", "mixed"),
)

PAYMENTS: Final = (
    SecretKind("stripe-key", r"[srp]k_(?:live|test|prod)_", r"((?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{16,})"),
    SecretKind("stripe-webhook", r"whsec_", r"\b(whsec_[A-Za-z0-9+/=]{24,80})"),
    SecretKind(
        "square-token",
        r"sq0[a-z]{3}-|EAAA[A-Za-z0-9_-]{4}",
        r"\b(sq0(?:atp|csp|idp)-[\w\-]{22,43}|EAAA[\w\-]{60})(?:[^\w\-]|$)",
    ),
    SecretKind(
        "braintree-token", r"access_token\$", r"(access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32})"
    ),
    SecretKind("shopify-token", r"shp(?:at|ss|ca|pa|ua)_", r"\b(shp(?:at|ss|ca|pa|ua)_[0-9a-fA-F]{32})\b"),
    SecretKind(
        "plaid-token",
        r"access-(?:sandbox|development|production)-",
        rf"\b(access-(?:sandbox|development|production)-{UUID})\b",
    ),
    SecretKind("flutterwave-key", r"FLW(?:SEC|PUB)K", r"\b(FLWSECK(?:_TEST)?-[0-9a-zA-Z]{12,40}(?:-X)?)\b"),
    SecretKind("shippo-token", r"shippo_", r"\b(shippo_(?:live|test)_[0-9a-f]{40})\b"),
    SecretKind("easypost-token", r"EZ[AT]K", r"\b(EZ[AT]K[A-Za-z0-9]{54})\b"),
    SecretKind("duffel-token", r"duffel_", r"\b(duffel_(?:test|live)_[\w\-=]{43})"),
    SecretKind("lob-key", r"(?:live|test)_[0-9a-f]{8}", r"\b((?:live|test)_[0-9a-f]{35})\b"),
    SecretKind("razorpay-key", r"rzp_", r"\b(rzp_(?:live|test)_[A-Za-z0-9]{14})\b"),
    SecretKind("paystack-key", r"sk_(?:live|test)_[0-9a-f]", r"\b(sk_(?:live|test)_[0-9a-f]{40})\b"),
    SecretKind("adyen-key", r"AQE[a-z]hmf", r"\b(AQE[a-z]hmf[A-Za-z0-9+/=\-]{40,})"),
    SecretKind(
        "gocardless-token",
        r"(?:live|sandbox)_[A-Za-z0-9_-]{8}",
        r"\b((?:live|sandbox)_[A-Za-z0-9_\-=]{40})(?:[^\w\-=]|$)",
        "mixed",
    ),
    near("paypal-secret", "paypal", r"[AE][\w\-]{79}"),
    near("coinbase-key", "coinbase", r"[A-Za-z0-9_\-]{64}"),
)

MAIL: Final = (
    SecretKind("twilio-key", r"\b(?:SK|AC)[0-9a-f]{8}", r"\b(SK[0-9a-f]{32})\b"),
    near("twilio-auth-token", "twilio", r"[0-9a-f]{32}", "any"),
    SecretKind("sendgrid-key", r"SG\.[A-Za-z0-9_-]{4}", r"\b(SG\.[\w\-]{16,32}\.[\w\-]{16,64})"),
    SecretKind("mailgun-key", r"\b(?:key|pubkey)-[0-9a-f]{8}", r"\b((?:pub)?key-[0-9a-f]{32})\b"),
    SecretKind(
        "mailgun-key",
        r"[0-9a-f]{4}-[0-9a-f]{8}-[0-9a-f]{8}",
        r"(?:^|[^0-9a-f\-])([0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8})(?:[^0-9a-f\-]|$)",
    ),
    SecretKind("mailchimp-key", r"[0-9a-f]-us\d", r"\b([0-9a-f]{32}-us\d{1,2})\b"),
    SecretKind("brevo-key", r"xkeysib-|xsmtpsib-", r"\b((?:xkeysib|xsmtpsib)-[0-9a-f]{64}-[A-Za-z0-9]{16})\b"),
    near("postmark-token", "postmark", UUID, "any"),
    SecretKind("resend-key", r"\bre_[A-Za-z0-9]{4}", r"\b(re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,28})\b"),
    SecretKind("klaviyo-key", r"\bpk_[0-9a-f]{4}", r"\b(pk_[0-9a-f]{34})\b"),
    near("mailjet-key", "mailjet", "[0-9a-f]{32}", "any"),
    near("vonage-secret", "(?:vonage|nexmo)", "[A-Za-z0-9]{16}", "mixed"),
    near("messagebird-key", "message[_\\-]?bird", "[A-Za-z0-9]{25}", "mixed"),
)

WATCHING: Final = (
    near("datadog-key", r"(?:datadog|dd[_\-](?:api|app))", r"[0-9a-f]{32}|[0-9a-f]{40}", "any"),
    SecretKind("datadog-key", r"ddap[pi]_", r"\b(ddap[pi]_[A-Za-z0-9]{34})\b"),
    SecretKind(
        "new-relic-key", r"NR(?:AK|II|RA|JS|BR|SP|AA)-", r"\b(NR(?:AK|II|RA|JS|BR|SP|AA)-[A-Za-z0-9_\-]{19,40})\b"
    ),
    SecretKind("new-relic-licence", r"NRAL", r"\b([0-9a-f]{36}NRAL)\b"),
    SecretKind("sentry-token", r"sntry[su]_", r"\b(sntrys_[A-Za-z0-9+/=_\-]{60,}|sntryu_[0-9a-f]{64})"),
    SecretKind(
        "sentry-dsn",
        r"//[0-9a-f:]+@[\w.-]*sentry",
        r"//([0-9a-f]{32}(?::[0-9a-f]{32})?)@[\w.\-]{0,40}sentry[\w.\-]{0,30}/\d{1,20}",
        "any",
        0.8,
    ),
    near("sentry-token", "sentry", r"[0-9a-f]{64}", "any"),
    SecretKind(
        "grafana-token",
        r"gl(?:sa|c)_|eyJrIjoi",
        r"\b(glsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}|glc_[A-Za-z0-9+/]{32,}={0,2}|eyJrIjoi[A-Za-z0-9]{60,}={0,2})",
    ),
    SecretKind("dynatrace-token", r"dt0[a-z]\d\d\.", r"\b(dt0[a-z]\d\d\.[A-Z0-9]{8,24}\.[A-Z0-9]{64})\b"),
    SecretKind("honeycomb-key", r"hc[abi][a-z]k_", r"\b(hc[abi][a-z]k_[A-Za-z0-9]{50,70})\b"),
    SecretKind(
        "splunk-token", r"(?i)\bsplunk ", r"(?i:splunk) ([0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12})", "any"
    ),
    SecretKind("launchdarkly-key", r"\b(?:sdk|api|mob)-[0-9a-f]{8}-", rf"\b((?:sdk|api|mob)-{UUID})\b"),
    near("pagerduty-key", "pager[_\\-]?duty", r"[\w+\-]{20}|[0-9a-f]{32}"),
    SecretKind(
        "opsgenie-key",
        r"(?i)(?:opsgenie|geniekey)",
        rf"(?i:opsgenie|geniekey)[\w\-]{{0,20}}[\"']?[\s:=]{{1,4}}[\"']?({UUID})",
        "any",
    ),
    near("sumologic-key", "sumo[_\\-]?logic", "[A-Za-z0-9]{64}"),
    SecretKind("segment-token", r"sgp_[A-Za-z0-9]{4}", r"\b(sgp_[A-Za-z0-9]{64})\b"),
    SecretKind("posthog-key", r"ph[xs]_", r"\b(ph[xs]_[A-Za-z0-9]{32,60})\b"),
    near("rollbar-token", "rollbar", "[0-9a-f]{32}", "any"),
)

OFFICE: Final = (
    SecretKind("postman-key", r"PMAK-", r"\b(PMAK-[0-9a-f]{24}-[0-9a-f]{34})\b"),
    SecretKind("linear-key", r"lin_(?:api|oauth)_", r"\b(lin_(?:api|oauth)_[A-Za-z0-9]{40,64})\b"),
    SecretKind("notion-token", r"ntn_|secret_[A-Za-z0-9]{8}", r"\b(ntn_[A-Za-z0-9]{40,50}|secret_[A-Za-z0-9]{43})\b"),
    SecretKind("airtable-token", r"\bpat[A-Za-z0-9]{14}\.", r"\b(pat[A-Za-z0-9]{14}\.[0-9a-f]{64})\b"),
    near("airtable-key", "airtable", "key[A-Za-z0-9]{14}"),
    SecretKind(
        "okta-token",
        r"(?i)okta|\bSSWS ",
        r"(?i:okta[\w.\- ]{0,30}[\"']?[\s:=]{1,4}[\"']?|SSWS )(00[\w\-]{40})(?:[^\w\-]|$)",
    ),
    near("auth0-secret", "auth0", r"[A-Za-z0-9_\-]{64}"),
    SecretKind("figma-token", r"fig(?:d|or|u)_", r"\b(fig(?:d|or|u)_[\w\-]{35,60})"),
    SecretKind("asana-token", r"[12]/\d{13,16}[:/]", r"(?:^|[^\w/])([12]/\d{13,19}(?:/\d{13,19})?:[0-9a-f]{32})\b"),
    SecretKind("hubspot-token", r"\bpat-(?:na|eu)\d", rf"\b(pat-(?:na|eu)\d-{UUID})\b"),
    SecretKind("typeform-token", r"tfp_", r"\b(tfp_[\w\-.=]{40,60})"),
    SecretKind("contentful-token", r"CFPAT-", r"\b(CFPAT-[\w\-]{43})(?:[^\w\-]|$)"),
    SecretKind("dropbox-token", r"\bsl\.[A-Za-z0-9_-]{8}", r"\b(sl\.[A-Za-z0-9_\-]{130,})"),
    SecretKind("mapbox-token", r"\bsk\.eyJ", r"\b(sk\.eyJ[\w\-]{40,}\.[\w\-]{20,40})"),
    SecretKind("readme-key", r"rdme_", r"\b(rdme_[a-z0-9]{70})\b"),
    SecretKind("frameio-token", r"fio-u-", r"\b(fio-u-[\w\-=]{64})"),
    SecretKind("adafruit-key", r"\baio_", r"\b(aio_[A-Za-z0-9]{28})\b"),
    near("algolia-key", "algolia", "[0-9a-f]{32}", "any"),
    near("zendesk-token", "zendesk", "[A-Za-z0-9]{40}"),
    near("fastly-token", "fastly", r"[A-Za-z0-9_\-]{32}"),
    SecretKind("clickup-token", r"\bpk_\d{6}", r"\b(pk_\d{6,9}_[A-Z0-9]{32})\b"),
    near("monday-token", "monday", r"eyJ[\w\-]{20,}\.[\w\-]{20,}\.[\w\-]{20,}"),
    SecretKind("salesforce-token", r"00D[A-Za-z0-9]{12}", r"\b(00D[A-Za-z0-9]{12,15}![A-Za-z0-9._]{80,})"),
    near("trello-token", "trello", r"[0-9a-f]{32}|[0-9a-f]{64}", "any"),
    SecretKind("trello-token", r"ATTA[0-9a-f]", r"\b(ATTA[0-9a-f]{64}[0-9A-F]{8})\b"),
)
