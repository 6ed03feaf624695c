"""A month that a node has shared out changes: corrected, a debtor left its net, money came back."""
