"""Cloud9 call archive: an Apache Airflow provider."""

__version__ = "0.1.0"
