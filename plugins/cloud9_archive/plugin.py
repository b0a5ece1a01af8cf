"""The Airflow plugin; the only module that imports Airflow's plugin base class."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin


class Cloud9ArchivePlugin(AirflowPlugin):
    """Names the package in Airflow's list of plugins."""

    name = "cloud9_archive"
