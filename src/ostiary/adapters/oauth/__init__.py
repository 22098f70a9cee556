"""The gateway as an authorization server, in front of whichever identity provider people log in with."""
