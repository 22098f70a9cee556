"""Secrets that their makers gave a shape of their own: clouds, code hosts, models, registries. Pure.

Every row: what it is called, a hint that a text must show before the pattern is tried, the pattern (its first group is
the secret), the check that a candidate must pass, and how sure a match is. Prefixes are the makers' published ones.
"""

# ruff: noqa: E501
# A row is one line and a pattern is one string: cut in two, neither can be read against its maker's page.

from __future__ import annotations

from typing import Final

from msgspec import Struct


class SecretKind(Struct, frozen=True):
    """One kind of secret: how it is noticed, cut out and judged."""

    slug: str
    hint: str
    """What the first pass looks for in every text; short, and without long repeats, so that all hints are one automaton."""
    pattern: str
    check: str = "random"
    """The name of a check in `ostiary.guards.secret_checks`."""
    score: float = 0.95


def near(slug: str, name: str, value: str, check: str = "random") -> SecretKind:
    """Return a kind that is recognised by its maker's name in front of a value without a prefix."""
    pattern = rf"(?i:{name})[\w.\-]{{0,30}}[\\\"'`]{{0,3}}(?:\s{{0,3}}[:=(>,]{{1,2}}|\s)\s{{0,3}}[\\\"'`]{{0,3}}({value})(?:[^\w\-]|$)"
    return SecretKind(slug, rf"(?i){name}", pattern, check, 0.85)


UUID: Final = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
CLOUDS: Final = (
    SecretKind("aws-access-key", r"A(?:KIA|SIA|BIA|CCA)[A-Z2-7]", r"\b((?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16})\b", "any"),
    SecretKind(
        "aws-secret-key",
        r"A[KS]IA[A-Z2-7]{4}",
        r"(?:^|[^A-Za-z0-9/+=])([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)",
        "mixed",
        0.85,
    ),
    SecretKind("aws-session-token", r"(?:FwoG|IQoJ)", r"\b((?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9/+]{80,}={0,2})"),
    SecretKind("aws-bedrock-key", r"ABSK", r"\b(ABSK[A-Za-z0-9+/]{100,}={0,2})"),
    SecretKind("aws-mws-token", r"amzn\.mws", rf"\b(amzn\.mws\.{UUID})\b"),
    SecretKind("gcp-api-key", r"AIza", r"\b(AIza[\w\-]{35})(?:[^\w\-]|$)"),
    SecretKind(
        "gcp-service-account", r"private_key_id", r"private_key_id\\?[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?([0-9a-f]{40})\b"
    ),
    SecretKind("google-oauth-token", r"ya29\.", r"\b(ya29\.[\w\-]{20,})"),
    SecretKind("google-oauth-secret", r"GOCSPX-", r"\b(GOCSPX-[\w\-]{28})(?:[^\w\-]|$)"),
    SecretKind("google-refresh-token", r"1//0", r"(?:^|[^\w/:.])(1//0[\w\-]{40,})"),
    SecretKind(
        "google-captcha-key", r"\b6L[0-9A-Za-z_-]{6}", r"\b(6L[0-9A-Za-z_\-]{6}AAAAA[0-9A-Za-z_\-]{27})(?:[^\w\-]|$)"
    ),
    SecretKind(
        "azure-storage-key",
        r"(?:AStR?|ACDb|AIoT|ASbx?|AzSe|AzFu|AIMd|ACR)[A-Za-z0-9+/]{4}",
        r"\b([A-Za-z0-9+/]{76}\+?(?:AStr?|AStR|ACDb)[A-Za-z0-9+/]{5,6}==)",
    ),
    SecretKind(
        "azure-storage-key",
        r"(?i)(?:Account|SharedAccess)Key=",
        r"(?i:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{40,}={0,2})",
    ),
    SecretKind("azure-sas", r"[?&;]s(?:v|ig)=", r"\bsig=([A-Za-z0-9%/+]{40,}(?:%3[dD]|=)?)"),
    SecretKind("azure-client-secret", r"\dQ~", r"(?:^|[^\w.~\-])([\w.~\-]{3}\dQ~[\w.~\-]{30,33}[\w~\-])(?:[^\w~\-]|$)"),
    SecretKind("azure-devops-token", r"AZDO", r"\b([A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4})\b"),
    SecretKind("azure-search-key", r"AzSe", r"\b([A-Za-z0-9]{42}AzSe[A-D][A-Za-z0-9]{5})\b"),
    SecretKind("azure-function-key", r"AzFu", r"\b([\w\-]{44}AzFu[\w\-]{5}[AQgw]==)"),
    SecretKind("digitalocean-token", r"do[opr]_v1_", r"\b(do[opr]_v1_[0-9a-f]{64})\b"),
    SecretKind("alibaba-key", r"LTAI", r"\b(LTAI[A-Za-z0-9]{17,21})\b"),
    SecretKind("tencent-key", r"AKID", r"\b(AKID[A-Za-z0-9]{32})\b"),
    SecretKind("yandex-key", r"AQVN|YC[a-zA-Z0-9_-]{4}", r"\b(AQVN[\w\-]{35,38}|YC[\w\-]{38})(?:[^\w\-]|$)"),
    SecretKind("oracle-key", r"ocid1\.credential", r"\b(ocid1\.credential\.oc1\.[\w.\-]{20,})"),
    SecretKind("heroku-key", r"HRKU-", rf"\b(HRKU-(?:{UUID}|AA[\w\-]{{58}}))"),
    near("heroku-key", "heroku", UUID, "any"),
    SecretKind("cloudflare-ca-key", r"v1\.0-[0-9a-f]", r"\b(v1\.0-[0-9a-f]{24}-[0-9a-f]{146})\b"),
    SecretKind("cloudflare-token", r"cf(?:ut|k|at)_", r"\b(cf(?:ut|k|at)_[A-Za-z0-9]{40}[0-9a-f]{8})\b"),
    near("cloudflare-token", r"(?:cloudflare|cf[_\-]api)", r"[A-Za-z0-9_\-]{40}|[0-9a-f]{37}"),
    SecretKind("fly-token", r"fo1_|fm[12][ar]?_", r"\b(fo1_[\w\-]{43}|fm[12][ar]?_[A-Za-z0-9+/]{100,}={0,2})"),
    SecretKind("render-key", r"rnd_", r"\b(rnd_[A-Za-z0-9]{28,40})\b"),
    SecretKind("netlify-token", r"nfp_", r"\b(nfp_[A-Za-z0-9]{36,40})\b"),
    SecretKind("vercel-token", r"vc[pikar]_", r"\b(vc[pikar]_[A-Za-z0-9]{24,60})\b"),
    SecretKind("supabase-key", r"sb(?:p|_secret)_", r"\b(sbp_[0-9a-f]{40}|sb_secret_[\w\-]{31,40})"),
    SecretKind("planetscale-key", r"pscale_", r"\b(pscale_(?:tkn|pw|oauth)_[\w=.\-]{32,64})"),
    SecretKind("databricks-token", r"(?:dapi|dose)[0-9a-f]", r"\b((?:dapi|dose)[0-9a-f]{32}(?:-\d)?)\b"),
    near("snowflake-secret", r"snowflake", r"[A-Za-z0-9_\-]{32,}"),
    near("ibm-cloud-key", r"ibm(?:[_\-]cloud)?", r"[A-Za-z0-9_\-]{44}"),
)

CODE: Final = (
    SecretKind("ostiary-token", r"ost_[A-Za-z0-9_-]{4}", r"(ost_[\w\-]{43}_[0-9a-f]{8})", "ostiary"),
    SecretKind("github-token", r"gh[pousr]_[A-Za-z0-9]{4}", r"(gh[pousr]_[A-Za-z0-9]{36})(?:[^A-Za-z0-9_]|$)", "crc62"),
    SecretKind(
        "github-fine-token", r"github_pat_", r"(github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})(?:[^A-Za-z0-9_]|$)", "crc62"
    ),
    SecretKind("github-app-token", r"gh[su]_[A-Za-z0-9]{4}", r"\b(gh[su]_[A-Za-z0-9]{37,})\b"),
    SecretKind(
        "gitlab-token",
        r"gl(?:pat|ptt|dt|rt|rtr|cbt|ft|imt|agent|soat|oas|ffct)-",
        r"\b((?:glpat|glptt|gldt|glrtr?|glcbt|glft|glimt|glagent|glsoat|gloas|glffct)-[\w.\-]{20,})",
    ),
    SecretKind("gitlab-runner-token", r"GR1348941", r"\b(GR1348941[\w\-]{20})(?:[^\w\-]|$)"),
    SecretKind("bitbucket-token", r"ATBB", r"\b(ATBB[A-Za-z0-9]{28}[0-9A-F]{8}|ATBB[A-Za-z0-9]{24,40})\b"),
    SecretKind(
        "azure-devops-token",
        r"(?i)azure|devops|azdo|visualstudio|vsts|\bvso\b|access[_ \-]?token|(?:\b|_)pat\b",
        r"(?:^|[^A-Za-z0-9])([a-z2-7]{52})(?:[^A-Za-z0-9]|$)",
        "random",
        0.85,
    ),
    SecretKind("django-key", r"django-insecure-", r"(django-insecure-[a-z0-9!@#$%^&*(\-_=+)]{40,60})", "noise"),
    near("bitbucket-secret", "bitbucket", r"[A-Za-z0-9_=\-]{32,64}"),
    SecretKind("atlassian-token", r"ATATT3|ATCTT3|ATSTT3", r"\b(AT[ACS]TT3[\w\-=]{60,})"),
    near("atlassian-token", r"(?:atlassian|jira|confluence)", r"[A-Za-z0-9]{24}"),
    SecretKind("npm-token", r"npm_[A-Za-z0-9]{4}", r"(npm_[A-Za-z0-9]{36})(?:[^A-Za-z0-9_]|$)", "crc62"),
    SecretKind("npm-auth", r":_authToken", r":_authToken\s{0,3}=\s{0,3}\"?([\w\-+/=.]{16,})"),
    SecretKind("pypi-token", r"pypi-AgE", r"\b(pypi-AgE[\w\-]{50,})", "macaroon"),
    SecretKind("dockerhub-token", r"dckr_(?:pat|oat)_", r"\b(dckr_(?:pat|oat)_[\w\-]{27,40})"),
    SecretKind("docker-auth", r"\"auth\\?\"", r"\"auth\\?\"\s{0,3}:\s{0,3}\\?\"([A-Za-z0-9+/]{12,}={0,2})", "basic"),
    SecretKind("rubygems-key", r"rubygems_", r"\b(rubygems_[0-9a-f]{48})\b"),
    SecretKind("crates-token", r"\bcio[A-Za-z0-9]{4}", r"\b(cio[A-Za-z0-9]{32})\b"),
    SecretKind("nuget-key", r"oy2[a-z0-9]", r"\b(oy2[a-z0-9]{43})\b"),
    SecretKind("clojars-token", r"CLOJARS_", r"\b(CLOJARS_[A-Za-z0-9]{60})\b"),
    SecretKind("artifactory-key", r"AKCp|cmVmdGtu", r"\b(AKCp[A-Za-z0-9]{69}|cmVmdGtu[A-Za-z0-9]{56})\b"),
    SecretKind("circleci-token", r"CCI(?:PAT|PRJ)_", r"\b(CCI(?:PAT|PRJ)_[A-Za-z0-9]{22}_[0-9a-f]{40})\b"),
    near("circleci-token", "circle[_\\-]?ci", r"[0-9a-f]{40}", "any"),
    near("travis-token", "travis[_\\-]?ci", r"[A-Za-z0-9]{22}", "mixed"),
    SecretKind("buildkite-token", r"bk(?:ua|at|ct)_", r"\b(bk(?:ua|at|ct)_[A-Za-z0-9]{30,60})\b"),
    SecretKind("sonar-token", r"sq[pua]_[0-9a-f]", r"\b(sq[pua]_[0-9a-f]{40})\b"),
    SecretKind("terraform-token", r"\.atlasv1\.", r"\b([A-Za-z0-9]{14}\.atlasv1\.[\w\-]{60,70})"),
    SecretKind("pulumi-token", r"pul-[0-9a-f]", r"\b(pul-[0-9a-f]{40})\b"),
    SecretKind(
        "doppler-token",
        r"dp\.(?:pt|st|ct|sa|scim|audit)\.",
        r"\b(dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9\-_]{2,35}\.)?[A-Za-z0-9]{40,44})\b",
    ),
    SecretKind("vault-token", r"hv[sbr]\.", r"\b(hv[sbr]\.[\w\-]{24,})"),
    SecretKind(
        "vault-token",
        r"\b[sbr]\.[A-Za-z0-9]{8}",
        r"(?i:vault|x-vault-token)[\w\-]{0,20}[\"']?\s{0,3}[:=]\s{0,3}[\"']?([sbr]\.[A-Za-z0-9]{24})\b",
    ),
    SecretKind("1password-token", r"ops_eyJ", r"\b(ops_eyJ[A-Za-z0-9+/_\-]{250,}={0,3})"),
    SecretKind(
        "1password-secret-key",
        r"\bA3-[A-Z0-9]{6}",
        r"\b(A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5})\b",
    ),
    SecretKind("age-key", r"AGE-SECRET-KEY-", r"(AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58})", "bech32"),
    SecretKind("infracost-key", r"ico-[A-Za-z0-9]{4}", r"\b(ico-[A-Za-z0-9]{32})\b"),
    SecretKind("prefect-key", r"pn[ub]_", r"\b(pn[ub]_[A-Za-z0-9]{36})\b"),
    SecretKind(
        "harness-token", r"\b(?:pat|sat)\.[A-Za-z0-9]", r"\b((?:pat|sat)\.[\w\-]{22}\.[0-9a-f]{24}\.[A-Za-z0-9]{20})\b"
    ),
    SecretKind("octopus-key", r"API-[A-Z0-9]{4}", r"\b(API-[A-Z0-9]{25,32})\b"),
    SecretKind("jenkins-token", r"\b11[0-9a-f]{8}", r"\b(11[0-9a-f]{32})\b", "any", 0.7),
    SecretKind(
        "tailscale-key",
        r"tskey-",
        r"\b(tskey-(?:auth|api|client|scim|webhook)-[A-Za-z0-9]{6,32}(?:CNTRL|NTRL)?-[A-Za-z0-9]{20,48})\b",
    ),
    SecretKind("sourcegraph-token", r"\bsg[sp]_[0-9a-f]", r"\b(sg[sp]_(?:[0-9a-f]{16}_)?[0-9a-f]{40})\b"),
)

MODELS: Final = (
    SecretKind("anthropic-key", r"sk-ant-", r"(sk-ant-(?:api|admin|oat|ort|sid)\d{2}-[\w\-]{40,})"),
    SecretKind(
        "openai-key",
        r"sk-(?:proj|svcacct|admin|None|service)-|T3BlbkFJ",
        r"\b(sk-(?:proj|svcacct|admin|None|service)-[\w\-]{20,}|sk-[A-Za-z0-9_\-]{16,}T3BlbkFJ[A-Za-z0-9_\-]{16,})",
    ),
    SecretKind("openai-key", r"\bsk-[A-Za-z0-9]{16}", r"\b(sk-[A-Za-z0-9]{32,64})\b", "random", 0.85),
    SecretKind("openai-session", r"\bsess-[A-Za-z0-9]{4}", r"\b(sess-[A-Za-z0-9]{40})\b"),
    SecretKind("openrouter-key", r"sk-or-", r"\b(sk-or-(?:v1-)?[0-9a-f]{64})\b"),
    SecretKind("huggingface-token", r"\bhf_|api_org_", r"\b((?:hf_|api_org_)[A-Za-z0-9]{34,40})\b"),
    SecretKind("groq-key", r"gsk_", r"\b(gsk_[A-Za-z0-9]{52})\b"),
    SecretKind("xai-key", r"xai-[A-Za-z0-9]{4}", r"\b(xai-[A-Za-z0-9]{70,90})\b"),
    SecretKind("perplexity-key", r"pplx-", r"\b(pplx-[A-Za-z0-9]{40,60})\b"),
    SecretKind("replicate-token", r"\br8_", r"\b(r8_[A-Za-z0-9_\-]{37,40})(?:[^\w\-]|$)"),
    SecretKind("fireworks-key", r"\bfw_[A-Za-z0-9]{4}", r"\b(fw_[A-Za-z0-9]{20,28})\b"),
    SecretKind("langsmith-key", r"lsv2_|ls__", r"\b(lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}|ls__[0-9a-f]{32})\b"),
    SecretKind("langfuse-key", r"(?:sk|pk)-lf-", rf"\b(sk-lf-{UUID})\b"),
    SecretKind("nvidia-key", r"nvapi-", r"\b(nvapi-[\w\-]{60,70})"),
    SecretKind("tavily-key", r"tvly-", r"\b(tvly-(?:dev-|prod-)?[A-Za-z0-9\-]{20,60})\b"),
    SecretKind("pinecone-key", r"pcsk_", r"\b(pcsk_[A-Za-z0-9_]{60,80})\b"),
    SecretKind("voyage-key", r"\bpa-[A-Za-z0-9_-]{4}", r"\b(pa-[A-Za-z0-9_\-]{43})(?:[^\w\-]|$)"),
    SecretKind("jina-key", r"jina_", r"\b(jina_[0-9a-f]{32}[A-Za-z0-9_\-]{28})(?:[^\w\-]|$)"),
    SecretKind("weights-and-biases-key", r"wandb_v1_", r"\b(wandb_v1_[\w\-]{60,90})"),
    SecretKind("elevenlabs-key", r"\bsk_[0-9a-f]{8}", r"\b(sk_[0-9a-f]{48})\b"),
    near("cohere-key", r"(?:cohere|\bco[_\-]api)", r"[A-Za-z0-9]{40}"),
    near("mistral-key", "mistral", r"[A-Za-z0-9]{32}"),
    near("together-key", "together", r"[0-9a-f]{64}", "any"),
    near("deepgram-key", "deepgram", r"[0-9a-f]{40}", "any"),
    near("wandb-key", r"wandb|weights[_\- ]and[_\- ]biases", r"[0-9a-f]{40}", "any"),
)
