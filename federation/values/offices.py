"""The offices of settlement staff."""

OFFICER, APPROVER = "settlement_officer", "settlement_approver"
