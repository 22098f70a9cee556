#!/bin/sh
# venv.sh FOLDER LIST PYTHON: a virtual environment with exactly what the locked list says, and this checkout in it.
set -eu
folder=$1 list=$2 python=$3
"$python" -c 'import sys; sys.exit("Ostiary needs Python 3.11 or later; set PYTHON=python3.12, for example" if sys.version_info < (3, 11) else 0)'
if ! "$python" -m venv "$folder" 2>/dev/null; then
  # Debian ships venv apart from Python.
  echo "this Python has no venv module; trying to install python3-venv" >&2
  apt-get update -qq && apt-get install -y -qq python3-venv
  "$python" -m venv "$folder"
fi
# The list is complete, so nothing is left to resolve: what is not on it is not installed.
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$list"
"$folder/bin/python" -m pip check --quiet --disable-pip-version-check
# The checkout itself needs no build: a path file is all that an editable installation is.
site=$("$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
printf '%s\n' "$PWD/src" > "$site/ostiary-checkout.pth"
cat > "$folder/bin/ostiary" <<SCRIPT
#!$PWD/$folder/bin/python
from ostiary.entry.cli.main import main
main()
SCRIPT
chmod +x "$folder/bin/ostiary"
touch "$folder/.stamp"
