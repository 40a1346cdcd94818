"""The program run against MiniStack: each registered resource is created over its API."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.emulator.ministack import MiniStack
from tests.emulator.proxy import Proxy
from tests.infra.aws_calls import Call
from tests.infra.created import Created
from tests.infra.mocks import ACCOUNT, REGION, Registered


@dataclass
class EmulatedAws(Created):
    """Creates each resource in MiniStack; the functions call AWS through the proxy."""

    emulator: MiniStack = field(kw_only=True)
    proxy: Proxy = field(kw_only=True)

    def client(self, service: str) -> Any:
        return self.emulator.client(service)

    def calls(self, resource: Registered) -> Iterator[Call]:
        for call in super().calls(resource):
            if call.operation == "CreateFunction":
                call.parameters["Environment"]["Variables"]["AWS_ENDPOINT_URL"] = self.proxy.address(resource.name)
            yield call

    def answered(self, kind: str, answers: Mapping[str, Any]) -> dict[str, Any]:
        known = super().answered(kind, answers)
        if kind == "Api":
            arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{answers['ApiId']}"
            known |= {"apiEndpoint": answers["ApiEndpoint"], "executionArn": arn}
        return known
