"""Tools of the checkout: environment, judges, known answers."""
