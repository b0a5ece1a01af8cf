"""Airflow operators: thin over the pipeline."""
