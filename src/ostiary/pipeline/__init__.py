"""The data plane's verbs: carry a call. Orchestration only; all I/O goes through ports."""
