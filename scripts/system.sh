#!/bin/sh
# Programs from the distribution that tests and benchmarks need; says what it would install where it may not.
set -eu
missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need git git
need openssl openssl
need chromium chromium
need promtool prometheus
if [ "${1:-}" = bench ]; then
  need gcc gcc; need wrk wrk; need nginx nginx-light; need taskset util-linux
fi
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ]; then
  echo "please install:$missing" >&2
  exit 1
fi
apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
