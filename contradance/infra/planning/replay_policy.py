"""The IAM policy of an operator of another stack, who replays from this stack's archive to rules on this stack's bus."""

from contradance.infra.planning.site import Site
from contradance.infra.planning.statement import Statement, document


def replay_policy(site: Site, bus: str, archive: str) -> str:
    """Return the policy document that `contradance replay` needs, for the archive and the bus with these names.

    IAM does not limit `FilterArns`: the policy allows a replay to any rule on the bus. `StartReplay` is allowed on the
    archive and on replays, because it names both.
    """
    return document(
        Statement(
            "Replay",
            ("events:StartReplay", "events:DescribeReplay", "events:CancelReplay", "events:DescribeArchive"),
            (site.arn("events", f"archive/{archive}"), site.arn("events", "replay/*")),
        ),
        Statement(
            "ReadRules",
            ("events:DescribeEventBus", "events:DescribeRule", "events:ListTargetsByRule", "events:ListRules"),
            (site.arn("events", f"event-bus/{bus}"), site.arn("events", f"rule/{bus}/*")),
        ),
    )
