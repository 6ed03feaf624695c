"""What is signed and how it is checked: keys, tokens, lists, signed requests. Pure."""
