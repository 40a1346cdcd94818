"""The Pulumi program: it computes all resources from the choreography."""

from pathlib import Path

import pulumi

from contradance.gate import refuse_breaks
from contradance.infra import as_run_error, deploy, read_config
from contradance.packaging import build
from contradance.project import find_project

with as_run_error():
    project = find_project(Path(__file__).parent)
    choreography = project.choreography()
    refuse_breaks(choreography, project.root / project.schemas)
    config = read_config()
    packages = build(project.root, choreography)

pulumi.run(lambda: deploy(choreography, config, packages, registry=project.named("contracts")))
