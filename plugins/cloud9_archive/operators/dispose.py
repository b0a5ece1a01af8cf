"""What has expired under a policy, listed, and removed once a person has confirmed how much it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cloud9_archive.errors import CustodyError
from cloud9_archive.operators.base import PolicyOperator

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

NAMED = 50
"""Records that the log names; the tombstones have them all."""


class Cloud9DisposeOperator(PolicyOperator):
    """
    What has expired is listed; with a confirmed count it is removed, and tombstones stay.

    .. seealso:: :func:`cloud9_archive.pipeline.dispose.dispose`

    :param policy: name of the policy (templated)
    :param confirm: how many records are to go; empty lists only (templated)
    :param actor: who confirms it; wanted with ``confirm`` (templated)
    :param reason: goes into the archive for good (templated)
    """

    template_fields: Sequence[str] = ("policy", "confirm", "actor", "reason")
    ui_color = "#f6e3e3"

    def __init__(
        self,
        *,
        confirm: str = "{{ params.get('confirm') or '' }}",
        actor: str = "{{ params.get('actor') or '' }}",
        reason: str = "{{ params.get('reason') or 'its retention has ended' }}",
        **kwargs: Any,  # noqa: ANN401 - BaseOperator's own arguments
    ) -> None:
        super().__init__(**kwargs)
        self.confirm = confirm
        self.actor = actor
        self.reason = reason

    def execute(self, context: Context) -> dict[str, Any]:
        """Counts of what has expired, or was removed."""
        del context
        from cloud9_archive.pipeline.custody import Order
        from cloud9_archive.pipeline.dispose import dispose
        from cloud9_archive.pipeline.expiry import list_expired

        text = self.confirm.strip()
        if text and not text.isdecimal():
            raise CustodyError(f"confirm is {text!r}", subject="confirm", hint="give the number that a dry run listed")
        if text and not self.actor.strip():
            raise CustodyError("confirm was given without actor", subject="actor", hint="say who confirms it")
        with self.workspace() as workspace:
            if not text:
                expiry = list_expired(workspace)
                names = [f"{each.bag.prefix}/{record.path}" for each in expiry.bags for record in each.records]
                for name in names[:NAMED]:
                    self.log.info("expired: %s", name)
                for place, reason in expiry.unfit.items():
                    self.log.warning("not as it was sealed: %s: %s", place, reason)
                self.log.info("%d records have expired; nothing was removed", expiry.count)
                return {
                    "expired": expiry.count,
                    "held": expiry.held,
                    "locked": expiry.locked,
                    "unfit": len(expiry.unfit),
                    "removed": 0,
                }
            done = dispose(workspace, Order(self.actor.strip(), self.reason.strip()), confirm=int(text))
        for key, reason in done.refused.items():
            self.log.warning("not removed: %s: %s", key, reason)
        if done.refused:
            raise CustodyError(
                f"{len(done.refused)} files were not removed: a lock keeps them",
                subject=self.policy,
                hint="run it again with the same count when their locks have ended; their tombstones stand",
            )
        return {"removed": done.records, "files": done.files, "bytes": done.size}
