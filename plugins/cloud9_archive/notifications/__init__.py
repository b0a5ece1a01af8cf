"""Telling the people who answer for a policy."""
