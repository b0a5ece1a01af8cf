"""The Airflow DAG of the policy americas_credit."""

from cloud9_archive.dag import build_dag

dag = build_dag("americas_credit")
