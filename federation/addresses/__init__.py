"""How addresses are spelled and matched: one rule for claims, opt-outs, usage and gates. Pure."""
