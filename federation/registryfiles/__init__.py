"""Registry files, read and written part by part: CSV, NDJSON, ONIX, sitemaps."""
