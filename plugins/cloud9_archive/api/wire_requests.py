"""What a wire format says of requests: endpoints, their parameters, and how one page leads to the next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, JsonValue, model_validator

from cloud9_archive.api.wire_values import (
    PLACEHOLDER,
    Expression,
    HttpPath,
    Method,
    Part,
    PerMinute,
    WholeList,
    Word,
)

Place = Literal["body", "query"]


class Parameter(Part):
    """The name under which a value is sent; a bare name goes where the endpoint's parameters go."""

    name: Word | None = Field(default=None, description="name, sent where the endpoint's parameters go")
    body: Word | None = Field(default=None, description="name of a field in the JSON body; a dot makes a nested object")
    query: Word | None = Field(default=None, description="name in the query string")

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, given: Any) -> Any:  # noqa: ANN401 - whatever the file holds
        return {"name": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _one_place(self) -> Parameter:
        if sum(word is not None for word in (self.name, self.body, self.query)) != 1:
            raise ValueError("write a name, or {body: name}, or {query: name}")
        return self

    def placed(self, place: Place) -> tuple[Place, str]:
        """
        Where the value goes, and its name there.

        :param place: where the endpoint's parameters go
        """
        if self.query is not None:
            return "query", self.query
        return ("body", self.body) if self.body is not None else (place, self.name or "")


class _Paging(Part):
    """What is true of a listing however its pages are asked for."""

    full_pages: bool = Field(
        default=True,
        description="a page that is not the last never holds fewer rows than an earlier one; else the run stops",
    )
    total: Expression | None = Field(
        default=None, description="number of rows in the whole listing; when fewer came, the run stops"
    )


class TokenPaging(_Paging):
    """Each answer gives a token for the next page, in a header or in its body; none, or an empty one, at the end."""

    by: Literal["token"] = Field(description="token: pages are asked for by a token of the answer before")
    sent_as: Parameter = Field(description="name under which the token is sent")
    first: str | None = Field(
        default=None, description="token of the first request; without it the first request has none"
    )
    header: Word | None = Field(default=None, description="header that holds the next token")
    at: Expression | None = Field(default=None, description="where the body holds the next token")

    @model_validator(mode="after")
    def _one_place(self) -> TokenPaging:
        if (self.header is None) == (self.at is None):
            raise ValueError("give either header or at, the place of the next token")
        return self


class LinkPaging(_Paging):
    """Each answer gives the address of the next page, of which only path and query are taken, from the same host."""

    by: Literal["link"] = Field(description="link: each answer names the address of the next page")
    header: Word | None = Field(default=None, description="header with links, of which rel=next is taken: Link")
    at: Expression | None = Field(default=None, description="where the body holds the address of the next page")

    @model_validator(mode="after")
    def _one_place(self) -> LinkPaging:
        if (self.header is None) == (self.at is None):
            raise ValueError("give either header or at, the place of the next link")
        return self


class _CountedPaging(_Paging):
    """Pages that the request counts: the listing ends with an empty page, or where the answer says so."""

    sent_as: Parameter = Field(description="name under which the number is sent")
    size: int | None = Field(default=None, gt=0, description="rows of a page")
    size_sent_as: Parameter | None = Field(
        default=None, description="name under which the size is sent; else it is only known"
    )
    more: Expression | None = Field(
        default=None, description="true while there is another page; without it the listing ends with an empty page"
    )

    @model_validator(mode="after")
    def _size_is_known(self) -> _CountedPaging:
        if self.size_sent_as is not None and self.size is None:
            raise ValueError("size_sent_as needs size, the number that is sent")
        return self


class PageNumberPaging(_CountedPaging):
    """Pages are numbered."""

    by: Literal["page"] = Field(description="page: pages are asked for by their number")
    first: int = Field(default=1, ge=0, description="number of the first page")


class OffsetPaging(_CountedPaging):
    """Rows are counted: each page begins after all rows that came before."""

    by: Literal["offset"] = Field(description="offset: pages are asked for by the number of rows before them")
    first: int = Field(default=0, ge=0, description="offset of the first row")


class NoPaging(_Paging):
    """One answer holds everything."""

    by: Literal["none"] = Field(description="none: one answer holds every row")


Paging = Annotated[
    TokenPaging | LinkPaging | PageNumberPaging | OffsetPaging | NoPaging,
    Field(discriminator="by", description="how one page leads to the next"),
]


class Endpoint(Part):
    """One way to ask; requests to it are counted under its ``name``."""

    name: ClassVar[str]
    placeholders: ClassVar[frozenset[str]] = frozenset()

    method: Method = Field(description="GET or POST")
    path: HttpPath = Field(description="path on the connection's host; it is signed as it is sent, without the query")
    per_minute: PerMinute = Field(description="requests a minute that the source allows")
    parameters: Place | None = Field(
        default=None,
        description="where parameters go: body or query; by default the body of a POST, the query of a GET",
    )
    constant_body: dict[Word, JsonValue] = Field(
        default_factory=dict, description="body fields that are sent with every request as they are"
    )
    constant_query: dict[Word, str | int] = Field(
        default_factory=dict, description="query parameters that are sent with every request as they are"
    )

    @property
    def place(self) -> Place:
        """Where parameters go whose name does not say."""
        return self.parameters or ("query" if self.method == "GET" else "body")

    @property
    def path_names(self) -> frozenset[str]:
        """The placeholders in the path."""
        return frozenset(PLACEHOLDER.findall(self.path))

    def named(self) -> Iterator[Parameter]:
        """Every parameter that a request may carry."""
        for part in (getattr(self, "request", None), getattr(self, "paging", None)):
            if isinstance(part, Part):
                values = (getattr(part, name) for name in type(part).model_fields)
                yield from (value for value in values if isinstance(value, Parameter))

    @model_validator(mode="after")
    def _can_be_asked(self) -> Endpoint:
        unknown = sorted(self.path_names - self.placeholders)
        if unknown:
            known = ", ".join(f"{{{name}}}" for name in sorted(self.placeholders)) or "no placeholder"
            raise ValueError(f"path has {{{unknown[0]}}}, but here it may have {known}")
        bodies = [name for place, name in (each.placed(self.place) for each in self.named()) if place == "body"]
        if self.method == "GET" and (bodies or self.constant_body):
            raise ValueError(f"a GET has no body to send {[*bodies, *self.constant_body][0]!r} in: use the query")
        return self


class WindowRequest(Part):
    """Names of what a listing is asked with."""

    begin: Parameter = Field(description="name of the window's begin")
    end: Parameter = Field(description="name of the window's end")
    region: Parameter | None = Field(default=None, description="name of the region, sent when the connection has one")


class Listing(Endpoint):
    """The endpoint that lists calls."""

    name: ClassVar[str] = "listing"

    longest_window: int = Field(gt=0, description="seconds; longer windows are asked for in parts")
    request: WindowRequest
    paging: Paging
    rows: WholeList = Field(
        description="where the list of calls is in the answer; the whole list, nothing picked from it"
    )
