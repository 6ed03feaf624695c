"""Money between parties: payments, what is waited for, debits set off."""
