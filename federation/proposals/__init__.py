"""Acts on a registry that wait for another person: proposed, then confirmed or refused."""
