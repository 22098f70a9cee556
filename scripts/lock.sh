#!/bin/sh
# Write the locked, hash-checked dependency lists anew. Versions younger than ten days are left out: most poisoned
# releases are found within that time.
set -eu
cd "$(dirname "$0")/.."
newest=$(date -u -d '10 days ago' +%Y-%m-%dT00:00:00Z)
compile() { .venv/bin/uv pip compile -q --generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-header --exclude-newer "$newest" "$@"; }
compile pyproject.toml -o requirements/runtime.txt
compile pyproject.toml --group dev -o requirements/dev.txt
compile requirements/servers.in -o requirements/servers.txt
