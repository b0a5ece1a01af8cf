"""The steps of a run as plain functions; operators and the command line both call these."""
