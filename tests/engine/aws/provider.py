"""The stand-in's gRPC face: what Pulumi's engine asks of `pulumi-resource-aws`."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NoReturn

import grpc  # type: ignore[import-untyped]  # it carries no types
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]  # the same
from pulumi.runtime.proto import plugin_pb2, provider_pb2
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer, add_ResourceProviderServicer_to_server

from tests.engine.aws import demands, documents, sdk
from tests.engine.aws.account import Account, Properties, Resource
from tests.engine.aws.kinds import kind_of
from tests.engine.serving import serve
from tests.engine.wire import SIGNATURE, UNKNOWN, Value, is_file, read, write
from tests.infra.aws_calls import calls
from tests.infra.mocks import Registered
from tests.infra.shapes import problems

VERSION: Final = "7.51.1"
ACCOUNT_FILE: Final = "STAND_IN_AWS_FILE"
ACCOUNT_NUMBER: Final = "STAND_IN_AWS_ACCOUNT"


class Provider(ResourceProviderServicer):
    """One `aws` provider, for one account and region."""

    def __init__(self, file: Path, number: str) -> None:
        self._account = Account(file, number, region="")

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        """Say what kinds of values may be sent: plain ones."""
        return provider_pb2.ProviderHandshakeResponse()

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        """Be the version that the program asks for."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(
        self, request: provider_pb2.GetSchemaRequest, context: grpc.ServicerContext
    ) -> provider_pb2.GetSchemaResponse:
        """Show no more of a schema than the package's name."""
        return provider_pb2.GetSchemaResponse(schema=json.dumps({"name": "aws", "version": VERSION}))

    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Refuse a provider without a region."""
        failures = []
        if "region" not in read(request.news):
            failures.append(provider_pb2.CheckFailure(property="region", reason="Missing region: set aws:region"))
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        """Replace everything where the region changes."""
        old, new = read(request.old_inputs), read(request.news)
        changes = provider_pb2.DiffResponse.DIFF_SOME if old != new else provider_pb2.DiffResponse.DIFF_NONE
        replaces = ["region"] if old.get("region") != new.get("region") else []
        return provider_pb2.DiffResponse(changes=changes, replaces=replaces)

    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        """Take the region; a preview asks of a creation what would be known of it."""
        self._account = Account(self._account.file, self._account.number, str(read(request.args)["region"]))
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Invoke(self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext) -> provider_pb2.InvokeResponse:
        """Answer the few questions that a program may ask of an account."""
        account = self._account
        answers: dict[str, Properties] = {
            "aws:index/getCallerIdentity:getCallerIdentity": {
                "accountId": account.number,
                "arn": account.arn("iam", "user/deployer", regional=False),
                "id": account.number,
                "userId": "AIDASTANDIN",
            },
            "aws:index/getRegion:getRegion": {
                "description": "A region",
                "endpoint": f"ec2.{account.region}.amazonaws.com",
                "id": account.region,
                "name": account.region,
                "region": account.region,
            },
        }
        if request.tok not in answers:
            _refuse(context, f"the stand-in for AWS does not answer {request.tok}")
        return provider_pb2.InvokeResponse(**{"return": write(answers[request.tok])})

    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:
        """Refuse what AWS would refuse of the inputs by themselves."""
        inputs: Properties = {key: value for key, value in read(request.news).items() if value is not None}
        failures = [*documents.problems(request.type, inputs), *_misspelled(request, inputs)]
        said = [provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in failures]
        return provider_pb2.CheckResponse(inputs=write(inputs), failures=said)

    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        """Say which inputs changed, and whether the resource must be another."""
        kind = kind_of(request.type)
        old, new = read(request.old_inputs), read(request.news)
        changed = {name for name in old.keys() | new.keys() if _content(old.get(name)) != _content(new.get(name))}
        replaces = sorted(changed & kind.fixed)
        same_name = "name" in new and "name" not in replaces
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=sorted(changed),
            replaces=replaces,
            deleteBeforeReplace=bool(replaces) and same_name,
            hasDetailedDiff=True,
            detailedDiff={name: _difference(name, old, new, replaces) for name in changed},
        )

    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:
        """Create a resource in the account; in a preview, say what would be known of it."""
        inputs = read(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=write(self._foreseen(request.type, inputs)))
        _refuse_any(context, request.type, demands.before_creation(self._account, request.type, inputs))
        answer = kind_of(request.type).answer(self._account, inputs)
        outputs = _echoed(request.type, inputs) | answer
        resource = Resource(request.type, _key(request.type, str(answer["id"]), inputs), inputs, outputs)
        if not self._account.add(resource):
            _refuse(context, f"creating {request.type} {answer['id']}: it already exists")
        return provider_pb2.CreateResponse(id=str(answer["id"]), properties=write(outputs))

    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> provider_pb2.ReadResponse:
        """Say what became of a resource; no id says that it is gone."""
        found = self._account.get(request.type, _key(request.type, request.id, read(request.inputs)))
        if found is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=request.id, properties=write(found.outputs), inputs=write(found.inputs))

    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> provider_pb2.UpdateResponse:
        """Change a resource in place."""
        old, new = read(request.old_inputs), read(request.news)
        kept = {name: value for name, value in read(request.olds).items() if name not in old}
        outputs = kept | _echoed(request.type, new)
        if not request.preview:
            _refuse_any(context, request.type, demands.before_creation(self._account, request.type, new))
            self._account.change(Resource(request.type, _key(request.type, request.id, old), new, outputs))
        return provider_pb2.UpdateResponse(properties=write(outputs))

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> Empty:
        """Delete a resource, unless AWS would not."""
        key = _key(request.type, request.id, read(request.old_inputs))
        found = self._account.get(request.type, key)
        if found is not None:
            _refuse_any(context, request.type, demands.before_deletion(self._account, found))
            self._account.remove(request.type, key)
        return Empty()

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        """Have nothing under way to be cancelled."""
        return Empty()

    def _foreseen(self, kind: str, inputs: Properties) -> Properties:
        answered = sdk.outputs_of(kind) - sdk.inputs_of(kind)
        return _echoed(kind, inputs) | dict.fromkeys(answered - {"tagsAll"}, UNKNOWN)


def _misspelled(request: provider_pb2.CheckRequest, inputs: Properties) -> Iterator[tuple[str, str]]:
    """Return what AWS's models refuse of the calls that create a resource, as far as the calls are known yet."""
    registered = Registered(request.type.rpartition(":")[2], request.name, _described(inputs), custom=True)
    try:
        made = calls(registered)
    except (AssertionError, KeyError) as untold:
        yield "", f"no call can be made of it: {untold}"
        return
    for call in made:
        yield from (("", problem) for problem in problems(call) if UNKNOWN not in problem)


def _described(inputs: Properties) -> Properties:
    """Return `inputs` with an archive as its path."""
    return {
        key: value["path"] if isinstance(value, dict) and is_file(value) else value for key, value in inputs.items()
    }


def _content(value: Value) -> Value:
    """Return `value` with a file as nothing but its hash: where it lies does not matter."""
    if is_file(value):
        assert isinstance(value, dict)
        return {SIGNATURE: value[SIGNATURE], "hash": value["hash"]}
    if isinstance(value, dict):
        return {key: _content(item) for key, item in value.items()}
    return [_content(item) for item in value] if isinstance(value, list) else value


def _difference(name: str, old: Properties, new: Properties, replaces: list[str]) -> provider_pb2.PropertyDiff:
    word = "ADD" if name not in old else "DELETE" if name not in new else "UPDATE"
    kind = provider_pb2.PropertyDiff.Kind.Value(f"{word}_REPLACE" if name in replaces else word)
    return provider_pb2.PropertyDiff(kind=kind, inputDiff=True)


def _echoed(kind: str, inputs: Mapping[str, Value]) -> Properties:
    """Return the outputs that are inputs."""
    return {**inputs, **({"tagsAll": inputs.get("tags", {})} if "tagsAll" in sdk.outputs_of(kind) else {})}


def _key(kind: str, name: str, inputs: Mapping[str, Value]) -> str:
    """Return what is one of its own: a statement's id within its function, a stage's name within its API."""
    within = {"aws:lambda/permission:Permission": "function", "aws:apigatewayv2/stage:Stage": "apiId"}.get(kind)
    return f"{inputs[within]}/{name}" if within else name


def _refuse_any(context: grpc.ServicerContext, kind: str, problems: Iterable[str]) -> None:
    said = [*problems]
    if said:
        _refuse(context, f"{kind}: " + "; ".join(said))


def _refuse(context: grpc.ServicerContext, problem: str) -> NoReturn:
    context.abort(grpc.StatusCode.INVALID_ARGUMENT, problem)
    raise AssertionError("abort raises")


def main() -> None:
    """Serve the engine; its address, the one argument, is not needed."""
    provider = Provider(Path(os.environ[ACCOUNT_FILE]), os.environ[ACCOUNT_NUMBER])
    serve(lambda server: add_ResourceProviderServicer_to_server(provider, server))


if __name__ == "__main__":
    main()
