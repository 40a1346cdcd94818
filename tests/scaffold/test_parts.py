import pytest

from contradance.scaffold.fresh import create_project
from tests.forking import Forks
from tests.scaffold.project import Generated


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory, forks: Forks) -> Generated:
    """A project to which one of each part was added."""
    project = Generated(create_project(tmp_path_factory.mktemp("grown"), "my-library"), forks)
    project.edit("functions/choreography.py", ("        lend_book,\n", "        lend_book,  # where it all begins\n"))
    project.edit(
        "contracts/my_library_contracts/loans.py",
        (
            "\n\nclass BookLent",
            '\n\nclass Size(Value):\n    """A size."""\n\n    pages: int = Field(examples=[300])\n\n\nclass BookLent',
        ),
        ("import PII, Contract", "import PII, Contract, Value"),
    )
    fields = (
        "loan_id:uuid",
        "size:Size",
        "reader:str:pii",
        "title:str",
        "late_by:int=3",
        "due:date",
        "fee:decimal",
        "returned_at:datetime",
    )
    options = [word for field in fields for word in ("--field", field)]
    project.contradance("create", "event", "BookReturned", "--service", "loans", "--says", "a book came back", *options)
    project.contradance("create", "event", "FeeWaived", "--service", "fees", "--failure")
    project.contradance(
        *("create", "subscriber", "charge_fee", "--service", "fees", "--on", "BookReturned"),
        *("--publishes", "FeeWaived", "--queue"),
    )
    project.contradance(
        "create", "subscriber", "count", "--service", "stats", "--on", "BookLent", "--on", "BookReturned"
    )
    project.contradance(
        *("create", "route", "--service", "loans", "--name", "return_book", "--path", "/loans/{loan_id}/return"),
        *("--verb", "post", "--publishes", "BookReturned"),
    )
    project.contradance("create", "route", "--service", "stats", "--path", "/stats/{day}", "--verb", "get")
    project.contradance("create", "topic", "--name", "book_returned", "--subscribers", "notice_service_notify_reader")
    project.contradance("create", "subscriber", "count", "--service", "fees", "--on", "FeeWaived")
    project.contradance("create", "schedule", "close_desk", "--service", "stats", "--on", "rate(1 day)")
    project.contradance(
        *("create", "schedule", "waive_fees", "--service", "fees", "--on", "cron(0 12 * * ? *)"),
        *("--publishes", "FeeWaived", "--timezone", "Europe/Berlin"),
    )
    project.contradance(
        *("create", "table", "returns", "--service", "stats", "--field", "day:date", "--field", "count:int"),
        *("--key", "day"),
    )
    for name, title in (("admire", "Middlemarch"), ("ignore", "Emma")):
        where = f'{{"title": ["{title}"]}}'
        project.contradance("create", "subscriber", name, "--service", "stats", "--on", "BookLent", "--where", where)
    return project


def test_every_check_is_as_green_as_before(grown: Generated) -> None:
    grown.check()


def test_a_schedule_has_its_time_zone(grown: Generated) -> None:
    assert '@schedule("cron(0 12 * * ? *)", timezone="Europe/Berlin")' in grown.read("functions/fees/waive_fees.py")
    assert '@schedule("rate(1 day)")' in grown.read("functions/stats/close_desk.py")


def test_what_is_there_keeps_its_comments(grown: Generated) -> None:
    assert "        lend_book,  # where it all begins\n        return_book,\n" in grown.read(
        "functions/choreography.py"
    )


def test_what_is_known_is_passed_on_and_the_rest_is_marked(grown: Generated) -> None:
    returned, charged = grown.read("functions/loans/return_book.py"), grown.read("functions/fees/charge_fee.py")

    assert "loan_id=loan_id," in returned
    assert "fee=request.fee," in returned
    assert "returned_at=delivery.now," in returned
    assert 'Field(min_length=1, max_length=200, description="The reader."' in returned
    assert "# an example: replace it" in charged


def test_a_subscriber_that_was_there_takes_one_more_event(grown: Generated) -> None:
    assert "def notify_reader(lent: BookLent | BookReturned, delivery: Delivery)" in grown.read(
        "functions/notices/notify_reader.py"
    )
    assert "test_it_consumes_book_returned" in grown.read("tests/notices/test_notify_reader.py")


def test_two_services_may_have_a_handler_of_one_name(grown: Generated) -> None:
    listed = grown.read("functions/choreography.py")

    assert "from functions.fees.count import count as fees_count\n" in listed
    assert "from functions.stats.count import count\n" in listed


def test_an_event_is_listed_behind_the_others_of_its_service(grown: Generated) -> None:
    registry = grown.read("contracts/my_library_contracts/registry.py")

    assert "        BookLent,\n        BookReturned,\n        FeeWaived,\n" in registry
    assert '"""A book came back."""' in grown.read("contracts/my_library_contracts/loans.py")


REFUSED = [
    ("event BookLent --service loans", "the event BookLent already exists"),
    ("event BookLentV2 --service loans", "BookLentV2 looks like version 2 of BookLent."),
    ("event Book-Lent --service loans", "cannot name an event"),
    ("event BookLost --service Loans", "cannot name a service"),
    ("event BookLost --service loans --field loan", "is not a field"),
    ("event BookLost --service loans --field due:date", "no field can be the event's subject"),
    ("event BookLost", "Invalid value for --service: it is missing."),
    ("subscriber notify_reader --service notices --on BookLent", "the function notices.notify_reader already exists"),
    ("subscriber count --service stats --on BookLost", "there is no event BookLost. Events: BookLent."),
    ("subscriber count --service stats --on BookLent --publishes BookLent", "cannot publish BookLent"),
    ("subscriber import --service stats --on BookLent", "cannot name a function"),
    ("subscriber count --service stats", "Invalid value for --on"),
    ("route --service loans --path /loans --verb post", "POST /loans already has a handler, loans.lend_book"),
    ("route --service loans --path loans --verb post", "is not a path"),
    ("route --service loans --path /loans/{Id} --verb post", "is not a path"),
    ("route --service loans --path /x --verb fetch", "is not a verb"),
    ("route --service loans --path /x --verb get --field a:int", "has no body"),
    ("table loans --service loans --field id:str --key id --key id", "id, id cannot be the key of loans"),
    ("topic --name fee_charged", "the name fee_charged does not begin with the name of a service"),
    ("topic --name loan_ended --subscribers count", "does not name its service"),
    (
        "topic --name loan_ended --subscribers stat_service_count loan_service_two loan_service_Three",
        "cannot name a function",
    ),
]


@pytest.mark.parametrize(("words", "told"), REFUSED, ids=[words for words, _ in REFUSED])
def test_what_is_refused_leaves_everything_as_it_was(fresh: Generated, words: str, told: str) -> None:
    before = fresh.files()

    code, said = fresh.tried("create", *words.split())

    assert code in (1, 2)
    assert told in " ".join(said.replace("│", "").split())
    assert "Traceback" not in said
    assert fresh.files() == before


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory, forks: Forks) -> Generated:
    """A new project, to which nothing is added."""
    return Generated(create_project(tmp_path_factory.mktemp("fresh"), "my-library"), forks)


def test_a_project_with_a_mistake_in_it_is_refused_with_its_place(project: Generated) -> None:
    project.edit("functions/loans/lend_book.py", ("log = logging", "log == (logging"))

    code, said = project.tried("create", "event", "BookLost", "--service", "loans")

    assert code == 1
    assert "functions/loans/lend_book.py, line " in said
    assert "Traceback" not in said


def test_a_file_that_its_author_does_not_format_stays_as_it_is(project: Generated) -> None:
    project.edit("functions/choreography.py", ("    contracts=registry,", "    contracts = registry ,"))
    before = project.read("functions/choreography.py")

    project.contradance("create", "subscriber", "count", "--service", "stats", "--on", "BookLent")

    after = project.read("functions/choreography.py")
    assert [line for line in after.splitlines() if line not in before.splitlines()] == [
        "from functions.stats.count import count",
        "        count,",
    ]


def test_a_subscriber_with_a_filter_is_not_widened_behind_its_authors_back(project: Generated) -> None:
    project.edit(
        "functions/notices/notify_reader.py",
        ("uses=[notices.write]", 'uses=[notices.write], where={"title": ["Emma"]}'),
    )

    code, said = project.tried(
        "create", "topic", "--name", "loan_ended", "--subscribers", "notice_service_notify_reader"
    )

    assert code == 1
    assert "filters its events with where=" in said


def test_a_creation_that_was_interrupted_is_finished_by_the_next(project: Generated) -> None:
    pending = project.root / ".contradance" / "creating"
    pending.mkdir(parents=True)
    (pending / "manifest.json").write_text('["functions/late/__init__.py"]')
    (pending / "0").write_text("")

    project.contradance("create", "event", "BookLost", "--service", "loans")

    assert (project.root / "functions" / "late" / "__init__.py").is_file()
    assert not pending.exists()
