"""Short and fixed in `make test`, long in `make explore ARGS=tests/fuzz`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contradance.local.console.guard import TOKEN_FIELD
from tests.fuzz.oddities import SECRET, json_object, json_texts, mutated, numbers, texts, times, written
from tests.fuzz.world import World, opened
from tests.local.desk import START

EVENT: Final = {
    "version": "0",
    "id": "7bf73129-1428-4cd3-a780-95db273d1602",
    "detail-type": "Signed",
    "source": "club.members",
    "account": "000000000000",
    "time": "2026-01-01T00:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {
        "metadata": {
            "event_id": "event-1", "version": 1, "occurred_at": "2026-01-01T00:00:00Z", "correlation_id": "flow-1",
            "causation_id": None, "publisher": "members.sign", "subject": "m-1",
        },
        "data": {"member": "m-1", "name": SECRET, "age": 1, "tags": ["a"]},
    },
}  # fmt: skip
FAILED: Final = {
    "version": "1.0",
    "timestamp": "2026-01-01T00:00:01.000Z",
    "requestContext": {
        "requestId": "r-1",
        "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:desk-greet:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    },
    "requestPayload": EVENT,
    "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
    "responsePayload": {"errorMessage": "an odd age", "errorType": "FailedOnPurposeError", "stackTrace": []},
}
RECORD: Final = {
    "function": "desk.greet",
    "trigger": "club.members/Signed v1",
    "event_id": "event-1",
    "subject": "m-1",
    "correlation_id": "flow-1",
    "causation_id": None,
    "attempt": 1,
    "outcome": "failed",
    "retries_left": 0,
    "published": [{"event_id": "event-2", "contract": "club.members/Signed v1"}],
    "started_at": "2026-01-01T00:00:00Z",
    "duration_ms": 1.5,
    "error": "FailedOnPurposeError: an odd age",
}
PAGES: Final = (
    "live",
    "flows",
    "dead-letters",
    "dead-letters/desk.greet",
    "dead-letters/desk.file_away",
    "replay",
    "contracts",
)
COMMANDS: Final = (
    ("dlq", "list"), ("dlq", "list", "--json"), ("dlq", "show"), ("dlq", "show", "--json"), ("dlq", "redrive"),
    ("dlq", "purge"), ("trace",), ("trace", "--json"), ("trace", "flow-1"), ("logs",), ("logs", "--json"), ("events", "list"),
    ("events", "list", "--json"), ("why", "event-1"), ("why", "event-1", "--json"), ("doctor",),
)  # fmt: skip
letters = st.sampled_from(["REASON", "ERROR_CODE", "ERROR_MESSAGE", "RETRY_ATTEMPTS", "EXHAUSTED_RETRY_CONDITION", "a"])
bodies = (
    mutated(EVENT)
    | mutated(FAILED)
    | mutated({"schedule": "s", "scheduled_time": START.isoformat()})
    | json_texts
    | texts
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patched:
        state = tmp_path_factory.mktemp("state")
        project = Path(str(tmp_path_factory.mktemp("project")))
        (project / "pyproject.toml").write_text('[tool.contradance]\nchoreography = "tests.fuzz.world:club"\n')
        patched.chdir(project)
        with opened(state) as world:
            yield world


@pytest.fixture
def world(served: World) -> World:
    served.reset()
    return served


def shows(world: World, commands: int) -> None:
    """Look at every page, and at some of what the commands print."""
    for page in PAGES:
        assert world.page(f"/_contradance/{page}").status == 200, page
    world.page("/_contradance/flows/flow-1")
    world.types(*COMMANDS[commands % len(COMMANDS)])


@given(data=st.data())
def test_anything_may_be_put_as_an_event(served: World, data: st.DataObject) -> None:
    served.reset()
    entry = {
        "Source": st.just('"club.members"'), "DetailType": st.just('"Signed"'), "EventBusName": st.just('"club"'),
        "Detail": (mutated(EVENT["detail"]) | json_texts).map(json.dumps), "Time": numbers, "Resources": st.just('["a"]'),
        "TraceHeader": st.just('"Root=1"'),
    }  # fmt: skip
    good = st.fixed_dictionaries({name: entry[name] for name in ("Source", "DetailType", "EventBusName", "Detail")})
    entries = data.draw(st.lists(good.map(written) | json_object(entry), min_size=1, max_size=3), label="entries")

    served.calls("AWSEvents.PutEvents", f'{{"Entries":[{",".join(entries)}]}}')
    served.laptop.drain()

    shows(served, data.draw(st.integers(0, 50), label="command"))


@given(data=st.data())
def test_anything_may_be_on_a_queue(served: World, data: st.DataObject) -> None:
    served.reset()
    for _ in range(data.draw(st.integers(1, 3), label="messages")):
        function = data.draw(st.sampled_from(["desk.greet", "desk.file_away", "desk.sweep_up"]), label="function")
        body = data.draw(bodies, label="body").encode(errors="backslashreplace").decode()
        attributes = data.draw(st.dictionaries(letters, texts | numbers, max_size=4), label="attributes")
        if data.draw(st.booleans(), label="direct"):
            served.laptop.dead_letters.send(function, body, attributes)
        elif function != "desk.sweep_up":
            queue = f"http://x/000000000000/{function.replace('.', '-')}{data.draw(st.sampled_from(['', '-dead-letters']), label='queue')}"
            given_ = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
            request = {"QueueUrl": queue, "MessageBody": body, "MessageAttributes": given_}
            served.calls("AmazonSQS.SendMessage", json.dumps(request))
    served.laptop.drain()

    shows(served, data.draw(st.integers(0, 50), label="command"))
    answer = served.calls(
        "AmazonSQS.ReceiveMessage", json.dumps({"QueueUrl": "http://x/000000000000/desk-greet-dead-letters"})
    )
    assert answer.status == 200


@given(data=st.data())
def test_anything_may_be_in_the_journal(served: World, data: st.DataObject) -> None:
    served.reset()
    for _ in range(data.draw(st.integers(1, 3), label="rows")):
        record = (
            data.draw(mutated(RECORD) | json_texts | texts, label="record").encode(errors="backslashreplace").decode()
        )
        names = (
            data.draw(st.tuples(texts, texts, texts), label="names")
            if data.draw(st.booleans())
            else ("event-1", "m-1", "flow-1")
        )
        row = ("desk.greet", *(name.encode(errors="backslashreplace").decode() for name in names), record)
        served.laptop.database.write_soon(
            "INSERT INTO journal (function, event_id, subject, correlation_id, record) VALUES (?, ?, ?, ?, ?)", row
        )
    served.laptop.database.flush()

    shows(served, data.draw(st.integers(0, 50), label="command"))


@given(data=st.data())
def test_any_text_may_be_kept_as_an_event(served: World, data: st.DataObject) -> None:
    served.reset()
    event = data.draw(mutated(EVENT), label="event").encode(errors="backslashreplace").decode()
    at = data.draw(st.sampled_from([START.timestamp(), -62135596800.0, 253402300799.0]), label="time")
    served.laptop.database.write(
        lambda connection: connection.execute(
            "INSERT INTO event (event_id, time, accepted, correlation_id, envelope, archived, bus) "
            "VALUES (?, ?, ?, ?, ?, 0, 'club')",
            ("event-1", at, START.timestamp(), "flow-1", event),
        )
    )

    shows(served, data.draw(st.integers(0, 50), label="command"))
    served.page("/_contradance/flows/flow-1?event=event-1")


OPERATIONS: Final = (
    *(
        "CancelReplay",
        "DescribeArchive",
        "DescribeEventBus",
        "DescribeReplay",
        "DescribeRule",
        "ListArchives",
        "PutRule",
    ),
    *(
        "ListEventBuses",
        "ListReplays",
        "ListRuleNamesByTarget",
        "ListRules",
        "ListTargetsByRule",
        "PutEvents",
        "StartReplay",
    ),
    "TestEventPattern",
)
SQS: Final = (
    *(
        "ChangeMessageVisibility",
        "ChangeMessageVisibilityBatch",
        "DeleteMessage",
        "DeleteMessageBatch",
        "GetQueueAttributes",
    ),
    *("GetQueueUrl", "ListQueues", "PurgeQueue", "ReceiveMessage", "SendMessage", "CreateQueue"),
)
PARAMETERS: Final = {
    "Name": '"club"', "EventBusName": '"club"', "ArchiveName": '"club-archive"', "ReplayName": '"r-1"', "Rule": '"desk-greet"',
    "EventSourceArn": '"arn:aws:events:us-east-1:000000000000:archive/club-archive"', "EventStartTime": "0",
    "EventEndTime": "1800000000", "Destination": '{"Arn":"arn:aws:events:us-east-1:000000000000:event-bus/club"}',
    "EventPattern": '{"source":["club.members"]}', "Event": json.dumps(json.dumps(EVENT)), "Limit": "1", "NextToken": '"0"',
    "NamePrefix": '"c"', "State": '"ENABLED"', "QueueUrl": '"http://x/000000000000/desk-greet-dead-letters"', "QueueName": '"desk-greet"',
    "ReceiptHandle": '"r.' + "0" * 32 + '"', "VisibilityTimeout": "1", "Entries": '[{"Id":"a","ReceiptHandle":"b"}]',
    "AttributeNames": '["All"]', "MaxNumberOfMessages": "10", "WaitTimeSeconds": "0", "MessageBody": '"a"', "DelaySeconds": "1",
    "MessageAttributes": '{"a":{"DataType":"String","StringValue":"b"}}', "TargetArn": '"arn"', "Description": '"d"',
    "MaxResults": "10", "MessageGroupId": '"g"', "MessageSystemAttributes": "{}", "MessageSystemAttributeNames": '["All"]',
}  # fmt: skip


@given(
    target=st.sampled_from([*(f"AWSEvents.{one}" for one in OPERATIONS), *(f"AmazonSQS.{one}" for one in SQS)]),
    changes=st.dictionaries(st.sampled_from(sorted(PARAMETERS)), json_texts, max_size=3),
    body=st.none() | json_texts,
)
def test_any_parameter_may_be_of_any_type(
    served: World, target: str, changes: dict[str, str], body: str | None
) -> None:
    served.reset()
    served.laptop.dead_letters.send("desk.greet", json.dumps(FAILED), {})
    changes.pop("WaitTimeSeconds", None)

    served.calls(target, written({**PARAMETERS, **changes}) if body is None else body)
    served.calls(target, written(changes))


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "X"]),
    path=st.sampled_from(
        ["/", "/members/a", "/members/", "/none", "/2015-03-31/functions/desk-greet/invocations", "/2015-03-31/", "/2015-03-31/functions/"]
    )
    | texts.map(lambda name: f"/2015-03-31/functions/{quote(name, safe=':$', errors='replace')}/invocations"),
    query=st.dictionaries(st.sampled_from(["limit", "since", "Qualifier", "a"]), texts | numbers, max_size=2),
    headers=st.dictionaries(
        st.sampled_from(
            ["Content-Type", "Idempotency-Key", "Origin", "Sec-Fetch-Site", "Traceparent", "X-Amz-Invocation-Type", "Host",
             "X-Amz-Target", "Authorization", "Accept", "Access-Control-Request-Method", "X-Amz-Log-Type", "Content-Encoding"]
        ),
        texts | st.sampled_from(["application/json", "Event", "RequestResponse", "DryRun", "http://localhost:3000", "Tail"]),
        max_size=3,
    ),
    body=mutated({"member": "m-1", "name": SECRET, "age": 1}) | mutated(EVENT) | json_texts | texts,
)  # fmt: skip
def test_any_request_may_come(  # noqa: PLR0917 - what a request consists of
    served: World, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: str
) -> None:
    served.reset()
    one_line = {name: value.replace("\r", "").replace("\n", "") for name, value in headers.items()}
    target = path + ("?" + urlencode(query, errors="replace") if query else "")

    answer = served.asks(method, target, one_line, body.encode(errors="surrogatepass"))
    served.laptop.drain()

    assert SECRET not in answer.text or path.startswith("/2015-03-31/")
    for page in ("live", "flows", "dead-letters"):
        assert served.page(f"/_contradance/{page}").status == 200


@given(
    content=st.binary(max_size=200)
    | st.text(max_size=100).map(lambda text: f"GET /{text} HTTP/1.1\r\n{text}\r\n\r\n".encode(errors="replace"))
)
def test_any_bytes_may_come(served: World, content: bytes) -> None:
    served.reset()

    served.sends(content + b"\r\n\r\n", ends=True)


LINES: Final = (
    *(
        b"Host: localhost",
        b"Host: evil.example",
        b"Host: localhost\xff",
        b"Origin: null",
        b"Sec-Fetch-Site: cross-site",
        b"X: \xff\x1b",
    ),
    *(
        b"X-Amz-Target: AmazonSQS.ListQueues",
        b"Upgrade: websocket",
        b"Content-Type: text/plain",
        b"Cookie: \xc3",
        b"X: a\r\n b",
        b": v",
    ),
    *(
        b"X : v",
        b"X",
        b"X: \x00",
        b"X: " + b"v" * 11_000,
        b"A: b\r\n" * 3_000 + b"A: b",
        b"Range: bytes=0-",
        b"Last-Event-ID: \xff",
    ),
)
FRAMES: Final = (
    (b"", b""),
    (b"Content-Length: 2\r\n", b"{}"),
    (b"Content-Length: 2\r\nContent-Length: 2\r\n", b"{}"),
    (b"Content-Length: 2\r\nContent-Length: 3\r\n", b"{}"),
    (b"Content-Length: 12\r\nTransfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    (b"Transfer-Encoding: chunked\r\n", b"2;e\r\n{}\r\n0\r\nT: v\r\n\r\n"),
    (b"Transfer-Encoding: chunked\r\n", b"zz\r\n"),
    (b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
)
"""Headers about a body, and the body: each is complete, or refused at once."""


@given(
    line=st.tuples(
        st.sampled_from([b"GET", b"POST", b"HEAD", b"OPTIONS", b"TRACE", b"CONNECT", b"get", b"PRI", b"", b"G" * 3_000]),
        st.sampled_from(
            [b"/members/a", b"/", b"*", b"", b"//", b"/..", b"/%00%", b"http://localhost/a", b"/_contradance/live", b"\\", b"/\xff",
             b"/_contradance/api/system", b"/_contradance/static/..%2fa.py", b"/2015-03-31/functions/desk-greet/invocations"]
        ),
        st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1", b""]),
    ),
    lines=st.lists(st.sampled_from(LINES), max_size=3),
    frame=st.sampled_from(FRAMES),
)  # fmt: skip
def test_any_head_may_come(
    served: World, line: tuple[bytes, ...], lines: list[bytes], frame: tuple[bytes, bytes]
) -> None:
    served.reset()
    framing, body = frame
    head = b"\r\n".join([b" ".join(line), *lines, b"Connection: close", framing])

    answer = served.sends(head + b"\r\n" + body)
    served.laptop.drain()

    assert SECRET not in answer.text


segments = st.sampled_from(
    ["live", "flows", "dead-letters", "replay", "contracts", "publish", "static", "stream", "api", "api/system", "api/events",
     "desk.greet", "flow-1", "club.members", "Signed", "1", "r-1", "console.js", "picture.css"]
) | texts | numbers | times  # fmt: skip


@given(
    parts=st.lists(segments, max_size=5),
    query=st.dictionaries(
        st.sampled_from(["before", "term", "event", "reason", "contract", "subscriber", "x"]),
        texts | numbers | times,
        max_size=2,
    ),
)
def test_any_url_of_the_console_may_be_asked(served: World, parts: list[str], query: dict[str, str]) -> None:
    served.reset()
    served.laptop.bus.put_events(
        Entries=[{"Source": "club.members", "DetailType": "Signed", "Detail": json.dumps(EVENT["detail"])}]
    )
    served.laptop.drain()
    if [*parts][:1] == ["stream"] and not parts[1:]:
        return  # it has no end
    target = "/_contradance/" + "/".join(quote(part, safe="", errors="replace") for part in parts)

    served.page(target + ("?" + urlencode(query, errors="replace") if query else ""))


FIELDS: Final = (
    *("do", "reason", "letter", "confirmed", "reveal", "contract", "subscriber", "from", "to", "again", "name"),
    *("member", "age", "tags", "tags.0", "tags.0.0", f"tags.{'9' * 5_000}", "tags.-1", "tags.٣"),
)
ACTIONS: Final = (
    *(
        "redrive:all",
        "purge:all",
        "redrive:some",
        "purge:some",
        "reveal:x",
        "add:tags",
        "remove:tags.0",
        "add:",
        "remove:",
        ":",
    ),
    *(
        "add:tags.0.0",
        "remove:tags.x",
        f"remove:tags.{'9' * 5_000}",
        "club.members/Signed v1",
        "desk.greet",
        "yes",
        "failed",
    ),
)


@given(
    page=st.sampled_from(["publish", "replay", "dead-letters/desk.greet", "dead-letters/none", "flows/flow-1", "live"]),
    form=st.lists(
        st.tuples(st.sampled_from(FIELDS) | texts, st.sampled_from(ACTIONS) | texts | numbers | times | json_texts),
        max_size=6,
    ),
)
def test_any_form_may_be_sent(served: World, page: str, form: list[tuple[str, str]]) -> None:
    served.reset()
    served.laptop.bus.put_events(
        Entries=[{"Source": "club.members", "DetailType": "Signed", "Detail": json.dumps(EVENT["detail"])}]
    )
    served.laptop.drain()
    token = served.server._console._guard.token if served.server._console else ""
    fields = (
        [(TOKEN_FIELD, token), ("contract", "club.members/Signed v1"), *form]
        if page == "publish"
        else [(TOKEN_FIELD, token), *form]
    )
    headers = {"Origin": served.url, "Content-Type": "application/x-www-form-urlencoded"}

    served.asks("POST", f"/_contradance/{page}", headers, urlencode(fields, errors="replace").encode())
    served.laptop.drain()

    for name in PAGES:
        assert served.page(f"/_contradance/{name}").status == 200


@given(
    operation=st.sampled_from(["events", "redrive", "delete", "replay", "system", "none"]),
    body=json_object(
        {"state": st.just('"x"'), "function": st.just('"desk.greet"'), "messages": st.just('["a"]'), "name": st.just('"r"'),
         "first": times.map(json.dumps), "last": times.map(json.dumps),
         "entries": json_object(dict.fromkeys(("Source", "DetailType", "Detail", "Time", "EventBusName"), json_texts)).map(lambda one: f"[{one}]")}
    ),
    right=st.booleans(),
)  # fmt: skip
def test_any_request_of_the_commands_api_may_come(served: World, operation: str, body: str, right: bool) -> None:
    served.reset()
    state = json.dumps(str(served.laptop.state.resolve()))
    content = body.replace('"state":"x"', f'"state":{state}') if right else body

    served.asks(
        "POST",
        f"/_contradance/api/{operation}",
        {"Content-Type": "application/json"},
        content.encode(errors="surrogatepass"),
    )
    served.asks("GET", f"/_contradance/api/{operation}")
    served.laptop.drain()


def test_the_samples_are_what_the_laptop_takes(world: World) -> None:
    detail: Any = EVENT["detail"]
    world.laptop.bus.put_events(
        Entries=[{"Source": "club.members", "DetailType": "Signed", "Detail": json.dumps(detail)}]
    )
    world.laptop.drain()
    world.laptop.dead_letters.send("desk.greet", json.dumps(FAILED), {})

    page = world.page("/_contradance/dead-letters/desk.greet").text

    assert page.count("FailedOnPurposeError") >= 2
    assert "***" in page
    assert "event-1" in world.types("dlq", "show")
