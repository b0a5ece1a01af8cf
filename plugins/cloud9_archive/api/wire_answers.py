"""What the wire format says of answers that hold a recording."""

from __future__ import annotations

from pydantic import Field, model_validator

from cloud9_archive.api.wire_values import Expression, Part


class AnswerRules(Part):
    """Where the audio is in an answer that is JSON, and what answers hold; audio itself and ZIP archives need no rules."""

    items: Expression | None = Field(
        default=None,
        description="a list, when one answer holds several recordings; the other places are then relative to an item",
    )
    item_id: Expression | None = Field(default=None, description="of an item; it is ours when that is the id asked for")
    item_name: Expression | None = Field(
        default=None, description="of an item; it is ours when that is the recording's file name, or its id"
    )
    base64: Expression | None = Field(default=None, description="text that is the audio")
    url: Expression | None = Field(
        default=None, description="https address of the audio, on one of the connection's media hosts"
    )
    pending: Expression | None = Field(
        default=None, description="true, or one of `pending_words`, while the audio is not uploaded"
    )
    pending_words: tuple[str, ...] = Field(default=(), description="words of `pending` that mean it")
    only_named: bool | None = Field(
        default=None,
        description="other recordings than the one asked for may come, so the only one in a ZIP must have its name; "
        "true by default where only the call is asked for, and false there promises that a call has one recording",
    )

    @model_validator(mode="after")
    def _consistent(self) -> AnswerRules:
        if self.items is None and (self.item_id or self.item_name):
            raise ValueError("item_id and item_name need items")
        if self.items is not None and not (self.item_id or self.item_name):
            raise ValueError("items needs item_id or item_name: else nobody knows which one is ours")
        if self.items is not None and not (self.base64 or self.url):
            raise ValueError("items needs base64 or url")
        if self.pending_words and self.pending is None:
            raise ValueError("pending_words needs pending")
        return self
