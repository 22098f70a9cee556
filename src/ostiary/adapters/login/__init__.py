"""People's login at an identity provider: OpenID Connect, sessions in cookies, and the pages around them."""
