"""Files of works and rightholders, read and written part by part: CSV, NDJSON, ONIX, sitemaps."""
