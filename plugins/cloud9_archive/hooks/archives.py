"""Archives in buckets through Airflow: the connection is read as the amazon provider reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from cloud9_archive.errors import ConfigurationError, ConnectionFieldError

if TYPE_CHECKING:
    from cloud9_archive.storage.s3_client import S3Access

CONNECTION_TYPE = "aws"


def archive_access(conn_id: str) -> S3Access:
    """
    The way to a bucket, by every method that the amazon provider knows: keys, roles, profiles, web identity.

    :param conn_id: of an Airflow connection of type aws
    :raises ConnectionFieldError: if there is no such connection, or it is of another type
    :raises ConfigurationError: if the amazon provider is not installed here, or cannot use the connection
    """
    try:
        kind = BaseHook.get_connection(conn_id).conn_type
    except AirflowNotFoundException:
        # The provider would go on without it, as whoever this host is.
        raise ConnectionFieldError(
            f"connection {conn_id!r}, which archive.conn_id names, is not defined",
            subject=conn_id,
            hint="add a connection of type aws with that id",
        ) from None
    if kind != CONNECTION_TYPE:
        raise ConnectionFieldError(
            f"connection {conn_id!r} is of type {kind!r}", subject=conn_id, hint="name a connection of type aws"
        )
    try:
        from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook  # noqa: PLC0415 - slow, and optional

        from cloud9_archive.storage.s3_client import S3Access  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"archive.conn_id needs {error.name}, which is not installed here",
            subject="archive.conn_id",
            hint="install airflow-provider-cloud9-archive[s3]",
        ) from None
    hook: AwsGenericHook[Any] = AwsGenericHook(aws_conn_id=conn_id, client_type="s3")
    try:
        said = hook.conn_config
        return S3Access(
            session=hook.get_session(region_name=said.region_name),
            region=said.region_name,
            endpoint_url=said.get_service_endpoint_url("s3"),
            verify=said.verify,
            config=said.botocore_config,
        )
    except Exception as error:  # noqa: BLE001 - every method of authentication has its own errors
        raise ConnectionFieldError(
            f"connection {conn_id!r} cannot be used: {type(error).__name__}",
            subject=conn_id,
            hint="check its fields as the amazon provider's documentation of the connection describes them",
        ) from None
