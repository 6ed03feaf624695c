"""Claims on held money: filed at a node, decided at the hub by another person, released."""
