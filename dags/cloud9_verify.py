"""The Airflow DAG that verifies the archives of all policies, weekly."""

from cloud9_archive.verify_dag import build_verify_dag

dag = build_verify_dag()
