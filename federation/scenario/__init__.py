"""A federation that lies in a folder, driven over HTTP through the APIs that users have.

`model.py` says what the folder holds: `scenario.toml`, and tables of members, works, opt-outs,
usage, receipts and rates. `outputs.py` says what a run of it writes.
"""
