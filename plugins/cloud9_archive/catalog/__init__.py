"""The memory of what was listed, decided, fetched and archived; the only room with SQL."""
