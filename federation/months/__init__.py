"""The record of settled months: runs, published rates, what each left and holds."""
