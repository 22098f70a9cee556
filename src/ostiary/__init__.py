"""Ostiary: a secure-by-default, self-hosted gateway for the Model Context Protocol."""

from typing import Final

__version__: Final = "0.1.0"
