"""The Airflow DAG that looks at all policies, daily: whether anything is missing between source, catalog and archive."""

from cloud9_archive.reconcile_dag import build_reconcile_dag

dag = build_reconcile_dag()
