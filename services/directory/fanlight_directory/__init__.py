"""Who is alive, and who encodes what. No pixels pass through here."""
