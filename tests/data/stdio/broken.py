"""A server that ends at once, after writing down that it was started and complaining about a secret."""

import os
import sys
from pathlib import Path

with Path(os.environ["STARTS"]).open("a") as file:
    file.write(f"{os.getpid()}\n")
sys.exit("cannot log in with hunter2")
