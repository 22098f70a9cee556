"""What operators do: the control plane's verbs. I/O goes through ports."""
