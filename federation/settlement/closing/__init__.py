"""A month's life: calendar, missing reports, advice, objections, the work-list."""
