"""The storage of a stack: tables, once-records and secrets."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from contradance.infra.components.retention import retainable
from contradance.infra.planning.plan import SecretPlan, StackPlan
from contradance.infra.planning.table import TablePlan
from contradance.runtime.aws.layout import EXPIRES, LEASE_EXPIRES, PARTITION, SHARD, SORT, UNPUBLISHED


class Storage(pulumi.ComponentResource):
    """DynamoDB tables, and secrets as encrypted SSM parameters.

    DynamoDB encrypts every table. `enabled: False` selects its own key, which costs nothing; `True` would select the
    account's AWS-managed key in KMS, whose calls are charged.
    """

    def __init__(self, plan: StackPlan, secrets: Mapping[str, pulumi.Input[str]], *, parent: pulumi.Resource) -> None:
        super().__init__("contradance:aws:Storage", "storage", None, pulumi.ResourceOptions(parent=parent))
        self._plan, self._config = plan, plan.setup.config
        self._kept = pulumi.ResourceOptions(parent=self, protect=self._config.protect)
        self._removable = retainable(self, retain=self._config.protect)
        tables = [self._create_table(table) for table in plan.tables]
        once = self._create_once_table()
        parameters = [self._create_secret(secret, secrets[secret.name]) for secret in plan.secrets]
        self.all: tuple[pulumi.Resource, ...] = (*tables, once, *parameters)
        self.register_outputs({"onceTable": once.name})

    def _create_table(self, plan: TablePlan) -> aws.dynamodb.Table:
        """Create and return a table of the application; the configuration decides on recovery and protection."""
        return aws.dynamodb.Table(
            plan.identity,
            name=plan.table_name,
            billing_mode="PAY_PER_REQUEST",
            hash_key=PARTITION,
            range_key=SORT if plan.sorted else None,
            attributes=[{"name": name, "type": "S"} for name in ((PARTITION, SORT) if plan.sorted else (PARTITION,))],
            point_in_time_recovery={"enabled": self._config.point_in_time_recovery},
            server_side_encryption={"enabled": False},
            deletion_protection_enabled=self._config.protect,
            tags=plan.tags,
            opts=self._removable,
        )

    def _create_once_table(self) -> aws.dynamodb.Table:
        """Create and return the table of once-records, with an index of the unpublished ones for the sweeper.

        The index is sparse: DynamoDB indexes only records that have its key attributes, and publishing removes the shard.
        So the index holds the few unpublished records, and the sweeper's query stays cheap.
        """
        return aws.dynamodb.Table(
            "once",
            name=self._plan.setup.once_table,
            billing_mode="PAY_PER_REQUEST",
            hash_key=PARTITION,
            attributes=[
                {"name": PARTITION, "type": "S"},
                {"name": SHARD, "type": "S"},
                {"name": LEASE_EXPIRES, "type": "N"},
            ],
            global_secondary_indexes=[
                {
                    "name": UNPUBLISHED,
                    "key_schemas": [
                        {"attribute_name": SHARD, "key_type": "HASH"},
                        {"attribute_name": LEASE_EXPIRES, "key_type": "RANGE"},
                    ],
                    "projection_type": "KEYS_ONLY",
                }
            ],
            ttl={"attribute_name": EXPIRES, "enabled": True},
            point_in_time_recovery={"enabled": self._config.point_in_time_recovery},
            server_side_encryption={"enabled": False},
            deletion_protection_enabled=self._config.protect,
            tags=self._plan.setup.tags(),
            opts=self._kept,
        )

    def _create_secret(self, plan: SecretPlan, value: pulumi.Input[str]) -> aws.ssm.Parameter:
        """Create and return the encrypted SSM parameter that holds a secret's value."""
        return aws.ssm.Parameter(
            plan.name,
            name=plan.parameter,
            type="SecureString",
            value=value,
            key_id=self._config.secrets_key,
            tags=self._plan.setup.tags(),
            opts=pulumi.ResourceOptions(parent=self),
        )
