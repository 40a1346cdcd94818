"""The HTTP API: its routes, who may call them, and how often."""

import json
from pathlib import Path

from contradance.deployed import Deployed
from functions.choreography import food_delivery
from tests.infra.mocks import ACCOUNT, REGION, Deployment
from tests.infra.stack import deployed

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:food-delivery-dev"
JWT = {"apiAuth": "jwt", "jwtIssuer": "https://id.example.com", "jwtAudience": '["food"]'}


def test_there_is_a_route_for_each_function_that_answers_requests(food: Deployment) -> None:
    keys = {name: each["routeKey"] for name, each in food.all("Route").items()}

    assert keys == {each.function.name: each.route.key for each in food_delivery.routes}


def test_a_route_calls_its_function(food: Deployment) -> None:
    assert food.all("Route")["orders.place_order"] == {
        "apiId": "api-id",
        "routeKey": "POST /orders",
        "target": "integrations/orders.place_order-id",
        "authorizationType": "AWS_IAM",
    }
    assert food.all("Integration")["orders.place_order"] == {
        "apiId": "api-id",
        "integrationType": "AWS_PROXY",
        "integrationUri": f"{FUNCTION}-orders-place_order",
        "payloadFormatVersion": "2.0",
        "timeoutMilliseconds": 30_000,
    }


def test_requests_are_signed_unless_the_stack_says_otherwise(food: Deployment, tmp_path: Path) -> None:
    open_to_all = deployed(tmp_path, config={"apiAuth": "none"})

    assert {each["authorizationType"] for each in food.all("Route").values()} == {"AWS_IAM"}
    assert {each["authorizationType"] for each in open_to_all.all("Route").values()} == {"NONE"}
    assert food.all("Authorizer") == open_to_all.all("Authorizer") == {}


def test_tokens_are_asked_for_where_the_stack_names_their_issuer(tmp_path: Path) -> None:
    with_tokens = deployed(tmp_path, config=JWT)

    (authorizer,) = [each.inputs for each in with_tokens.resources if each.type == "Authorizer"]
    assert authorizer["jwtConfiguration"] == {"issuer": "https://id.example.com", "audiences": ["food"]}
    assert authorizer["identitySources"] == ["$request.header.Authorization"]
    assert {(each["authorizationType"], each["authorizerId"]) for each in with_tokens.all("Route").values()} == {
        ("JWT", "api-id")
    }


def test_the_api_takes_so_many_requests_and_logs_each(tmp_path: Path) -> None:
    busy = deployed(tmp_path, config={"throttleRate": "2.5", "throttleBurst": "7"})

    (stage,) = [each.inputs for each in busy.resources if each.type == "Stage"]
    assert stage["defaultRouteSettings"] == {
        "throttlingRateLimit": 2.5,
        "throttlingBurstLimit": 7,
        "detailedMetricsEnabled": False,
    }
    group = "/aws/vendedlogs/apis/food-delivery-dev"
    assert stage["accessLogSettings"]["destinationArn"] == f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"
    assert busy.all("LogGroup")["api"]["name"] == group
    logged = json.loads(stage["accessLogSettings"]["format"])
    assert logged["status"] == "$context.status"
    assert not {"$context.path", "$context.identity.user"} & set(logged.values())


def test_pages_of_the_origins_that_the_stack_names_may_call(food: Deployment, tmp_path: Path) -> None:
    (api,) = [
        each.inputs
        for each in deployed(tmp_path, config={"corsOrigins": '["https://food.example"]'}).resources
        if each.type == "Api"
    ]

    assert api["corsConfiguration"]["allowOrigins"] == ["https://food.example"]
    assert api["corsConfiguration"]["allowMethods"] == ["GET", "POST"]
    assert {"content-type", "idempotency-key", "x-amz-date"} <= set(api["corsConfiguration"]["allowHeaders"])
    assert "corsConfiguration" not in food.all("Api")["api"]


def test_events_may_be_published_over_http_where_the_stack_names_them(tmp_path: Path) -> None:
    with_ingress = deployed(tmp_path, config={**JWT, "ingress": '["OrderPlaced"]'})

    assert with_ingress.all("Route")["contradance.ingress"]["routeKey"] == "POST /events/{detail_type}"
    assert with_ingress.all("Route")["contradance.ingress"]["authorizationType"] == "JWT"
    throttled = with_ingress.all("MetricAlarm")["contradance.ingress.throttled"]["alarmDescription"]
    assert throttled.endswith("Lambda throttled a request, which failed. Raise the account's concurrency.")
    function = with_ingress.all("Function")["contradance.ingress"]
    assert function["handler"] == "contradance.runtime.aws.ingress.handler"
    assert function["environment"]["variables"]["CONTRADANCE_INGRESS"] == '["OrderPlaced"]'
    assert function["environment"]["variables"]["CONTRADANCE_REGISTRY"] == "contracts.registry:registry"
    assert Deployed.model_validate(with_ingress.outputs["deployed"]).functions["contradance.ingress"].kind == "ingress"


def test_a_stack_without_routes_has_no_api(tmp_path: Path) -> None:
    quiet = deployed(tmp_path, secrets=None, config={"services": '["restaurants", "deliveries"]'})

    assert quiet.all("Api") == {}
    assert quiet.outputs["api_url"] is None
