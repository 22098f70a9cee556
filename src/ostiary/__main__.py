"""`python -m ostiary`."""

from ostiary.entry.cli.main import main

main()
