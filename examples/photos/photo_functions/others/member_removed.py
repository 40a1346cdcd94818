"""The event `memberRemoved` of the accounts team."""

from pydantic import Field

from contradance import ForeignEvent


class MemberRemoved(
    ForeignEvent,
    source="com.example.accounts",
    detail_type="memberRemoved",
    once_by="memberId",
    subject="memberId",
    correlation="requestId",
):
    """The accounts team removed a member. Its events have no envelope, and names in camel case."""

    member_id: str = Field(alias="memberId", examples=["m-7"])
    request_id: str | None = Field(default=None, alias="requestId", examples=["req-42"])
