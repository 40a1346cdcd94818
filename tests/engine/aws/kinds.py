"""What a resource of each type is: what makes it one of its own, what cannot be changed, and what AWS answers of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from tests.engine.aws.account import Account, Properties
from tests.engine.wire import Value

Inputs = Mapping[str, Value]
Answer = Callable[[Account, Inputs], Properties]


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of resource."""

    answer: Answer
    """What AWS answers when it is created: `id`, and what is not known before."""
    fixed: frozenset[str]
    """Inputs whose change makes another resource."""


def kind_of(kind: str) -> Kind:
    """Return what a type is; KeyError where it is not known here."""
    return _KINDS[kind]


def _arn(service: str, resource: str, *, name: str = "name", regional: bool = True) -> Answer:
    """Return an answer with the `arn` that ends in `resource` (with `{}` for the name), and the name as the id."""

    def answer(account: Account, inputs: Inputs) -> Properties:
        named = str(inputs[name])
        return {"id": named, "arn": account.arn(service, resource.format(named), regional=regional)}

    return answer


def _of(template: str) -> Answer:
    """Return an answer with no more than an id, spelled with the inputs."""
    return lambda _, inputs: {"id": template.format(**inputs)}


def _random(_: Account, inputs: Inputs) -> Properties:
    return {"id": uuid4().hex[:10]}


def _bus_of(inputs: Inputs) -> str:
    return str(inputs.get("eventBusName", "default")).rpartition("event-bus/")[2]


def _rule(account: Account, inputs: Inputs) -> Properties:
    bus, name = _bus_of(inputs), str(inputs["name"])
    path = name if bus == "default" else f"{bus}/{name}"
    return {"id": path, "arn": account.arn("events", f"rule/{path}")}


def _target(account: Account, inputs: Inputs) -> Properties:
    return {"id": f"{_bus_of(inputs)}-{inputs['rule']}-{inputs['targetId']}"}


def _queue(account: Account, inputs: Inputs) -> Properties:
    name = str(inputs["name"])
    url = f"https://sqs.{account.region}.amazonaws.com/{account.number}/{name}"
    return {"id": url, "url": url, "arn": account.arn("sqs", name)}


def _role(account: Account, inputs: Inputs) -> Properties:
    path = f"role{inputs.get('path', '/')}{inputs['name']}"
    return {
        "id": inputs["name"],
        "arn": account.arn("iam", path, regional=False),
        "uniqueId": f"AROA{uuid4().hex[:17].upper()}",
    }


def _function(account: Account, inputs: Inputs) -> Properties:
    arn = account.arn("lambda", f"function:{inputs['name']}")
    return {
        "id": inputs["name"],
        "arn": arn,
        "invokeArn": f"arn:aws:apigateway:{account.region}:lambda:path/2015-03-31/functions/{arn}/invocations",
        "qualifiedArn": f"{arn}:$LATEST",
        "version": "$LATEST",
        "lastModified": "2026-01-31T18:00:00.000+0000",
    }


def _layer(account: Account, inputs: Inputs) -> Properties:
    layer = account.arn("lambda", f"layer:{inputs['layerName']}")
    versions = [
        one for one in account.every("aws:lambda/layerVersion:LayerVersion") if one.outputs["layerArn"] == layer
    ]
    newest = max((int(str(one.outputs["version"])) for one in versions), default=0) + 1
    arn = f"{layer}:{newest}"
    return {"id": arn, "arn": arn, "layerArn": layer, "version": str(newest), "createdDate": "2026-01-31T18:00:00Z"}


def _mapping(account: Account, inputs: Inputs) -> Properties:
    name = str(inputs["functionName"]).rpartition("function:")[2]
    uuid = str(uuid4())
    function = account.arn("lambda", f"function:{name}")
    return {
        "id": uuid,
        "uuid": uuid,
        "arn": account.arn("lambda", f"event-source-mapping:{uuid}"),
        "functionArn": function,
        "state": "Enabled",
    }


def _api(account: Account, inputs: Inputs) -> Properties:
    name = uuid4().hex[:10]
    return {
        "id": name,
        "apiEndpoint": f"https://{name}.execute-api.{account.region}.amazonaws.com",
        "executionArn": account.arn("execute-api", name),
        "arn": f"arn:aws:apigateway:{account.region}::/apis/{name}",
    }


def _stage(account: Account, inputs: Inputs) -> Properties:
    api, name = inputs["apiId"], inputs["name"]
    path = "" if name == "$default" else str(name)
    return {
        "id": name,
        "arn": f"arn:aws:apigateway:{account.region}::/apis/{api}/stages/{name}",
        "executionArn": account.arn("execute-api", f"{api}/{name}"),
        "invokeUrl": f"https://{api}.execute-api.{account.region}.amazonaws.com/{path}",
    }


def _dashboard(account: Account, inputs: Inputs) -> Properties:
    name = inputs["dashboardName"]
    return {"id": name, "dashboardArn": account.arn("cloudwatch", f"dashboard/{name}", regional=False)}


def _schedule(account: Account, inputs: Inputs) -> Properties:
    path = f"{inputs.get('groupName', 'default')}/{inputs['name']}"
    return {"id": path, "arn": account.arn("scheduler", f"schedule/{path}")}


def _topic(account: Account, inputs: Inputs) -> Properties:
    arn = account.arn("sns", str(inputs["name"]))
    return {"id": arn, "arn": arn, "owner": account.number}


def _subscription(account: Account, inputs: Inputs) -> Properties:
    arn = f"{inputs['topic']}:{uuid4()}"
    return {"id": arn, "arn": arn, "ownerId": account.number, "pendingConfirmation": inputs["protocol"] == "email"}


def _parameter(account: Account, inputs: Inputs) -> Properties:
    name = str(inputs["name"])
    path = f"parameter{name}" if name.startswith("/") else f"parameter/{name}"
    return {"id": name, "arn": account.arn("ssm", path), "version": 1}


def _schema(account: Account, inputs: Inputs) -> Properties:
    arn = account.arn("schemas", f"schema/{inputs['registryName']}/{inputs['name']}")
    return {"id": f"{inputs['name']}/{inputs['registryName']}", "arn": arn, "version": "1"}


def _fixed(*names: str) -> frozenset[str]:
    return frozenset(names)


_KINDS: Final = {
    "aws:apigatewayv2/api:Api": Kind(_api, _fixed("protocolType")),
    "aws:apigatewayv2/authorizer:Authorizer": Kind(_random, _fixed("apiId")),
    "aws:apigatewayv2/integration:Integration": Kind(_random, _fixed("apiId", "integrationType")),
    "aws:apigatewayv2/route:Route": Kind(_random, _fixed("apiId")),
    "aws:apigatewayv2/stage:Stage": Kind(_stage, _fixed("apiId", "name")),
    "aws:cloudwatch/dashboard:Dashboard": Kind(_dashboard, _fixed("dashboardName")),
    "aws:cloudwatch/eventArchive:EventArchive": Kind(_arn("events", "archive/{}"), _fixed("name", "eventSourceArn")),
    "aws:cloudwatch/eventBus:EventBus": Kind(_arn("events", "event-bus/{}"), _fixed("name")),
    "aws:cloudwatch/eventRule:EventRule": Kind(_rule, _fixed("name", "eventBusName")),
    "aws:cloudwatch/eventTarget:EventTarget": Kind(_target, _fixed("rule", "eventBusName", "targetId")),
    "aws:cloudwatch/logGroup:LogGroup": Kind(_arn("logs", "log-group:{}"), _fixed("name")),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Kind(_arn("cloudwatch", "alarm:{}"), _fixed("name")),
    "aws:dynamodb/table:Table": Kind(_arn("dynamodb", "table/{}"), _fixed("name", "hashKey", "rangeKey")),
    "aws:iam/role:Role": Kind(_role, _fixed("name", "path")),
    "aws:iam/rolePolicy:RolePolicy": Kind(_of("{role}:{name}"), _fixed("role", "name")),
    "aws:lambda/eventSourceMapping:EventSourceMapping": Kind(_mapping, _fixed("eventSourceArn")),
    "aws:lambda/function:Function": Kind(_function, _fixed("name", "packageType")),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": Kind(
        _of("{functionName}"), _fixed("functionName", "qualifier")
    ),
    "aws:lambda/layerVersion:LayerVersion": Kind(
        _layer,
        _fixed("layerName", "code", "compatibleArchitectures", "compatibleRuntimes", "description", "licenseInfo"),
    ),
    "aws:lambda/permission:Permission": Kind(
        _of("{statementId}"),
        _fixed("action", "function", "principal", "sourceArn", "sourceAccount", "statementId", "qualifier"),
    ),
    "aws:scheduler/schedule:Schedule": Kind(_schedule, _fixed("name", "groupName")),
    "aws:scheduler/scheduleGroup:ScheduleGroup": Kind(_arn("scheduler", "schedule-group/{}"), _fixed("name")),
    "aws:schemas/registry:Registry": Kind(_arn("schemas", "registry/{}"), _fixed("name")),
    "aws:schemas/schema:Schema": Kind(_schema, _fixed("name", "registryName")),
    "aws:sns/topic:Topic": Kind(_topic, _fixed("name")),
    "aws:sns/topicSubscription:TopicSubscription": Kind(_subscription, _fixed("topic", "protocol", "endpoint")),
    "aws:sqs/queue:Queue": Kind(_queue, _fixed("name", "fifoQueue")),
    "aws:sqs/queuePolicy:QueuePolicy": Kind(_of("{queueUrl}"), _fixed("queueUrl")),
    "aws:ssm/parameter:Parameter": Kind(_parameter, _fixed("name")),
}
