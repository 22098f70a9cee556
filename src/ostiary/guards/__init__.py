"""What the words say: views of a text, signs of injection in it, secrets and personal data. Pure."""
