"""The Airflow DAG that removes what has expired, when a person confirms its count."""

from cloud9_archive.disposition_dag import build_disposition_dag

dag = build_disposition_dag()
