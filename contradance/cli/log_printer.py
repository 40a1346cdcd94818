"""Prints log lines, as text or as JSON."""

import sys

from rich.text import Text

from contradance.cli.attempt import ShownTracebacks, attempt_lines
from contradance.cli.log_lines import entry_lines
from contradance.cli.moment import Days
from contradance.cli.theme import Services, print_line, short
from contradance.operate.journal import LogLine, entry_of_line
from contradance.printable import printable_json


class LogPrinter:
    """Prints log lines; a traceback once."""

    def __init__(self, services: Services, *, as_json: bool) -> None:
        self._services = services
        self._as_json = as_json
        self._tracebacks = ShownTracebacks()
        self._days = Days()

    def print(self, line: LogLine) -> None:
        """Print a delivery as its attempt, another line with its service and level; as JSON, one object on one line."""
        if self._as_json:
            sys.stdout.write(printable_json(_line_json(line)) + "\n")
            return
        if heading := self._days.heading(line.at):
            print_line(Text(heading, "dim"))
        if line.record is not None:
            for text in attempt_lines(line.record, self._services, self._tracebacks):
                print_line(text)
        else:
            for text in entry_lines(entry_of_line(line), line.function.partition(".")[0], self._services):
                print_line(text.append(f"  {short(line.subject)}", "dim") if line.subject else text)


def _line_json(line: LogLine) -> dict[str, object]:
    """Return a log line as the object that `--json` prints; `journal` is None unless it is an attempt."""
    return {
        "at": line.at.isoformat(),
        "function": line.function,
        "level": line.level,
        "logger": line.logger,
        "message": line.text,
        "fields": {**line.fields},
        "exception": line.exception,
        "subject": line.subject,
        "event_id": line.event_id,
        "journal": line.record.model_dump(mode="json") if line.record else None,
    }
