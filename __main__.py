"""The Pulumi program: everything it creates is computed from the choreography."""

from pathlib import Path

import pulumi
from contradance.packaging import build

from contradance.infra import ARCHITECTURE, RUNTIME, deploy, read_config
from contradance.project import find_project

project = find_project(Path(__file__).parent)
choreography = project.choreography()
config = read_config()
cache = project.root / ".contradance" / "packages"
packages = build(project.root, choreography, runtime=RUNTIME, architecture=ARCHITECTURE, cache=cache)
pulumi.run(lambda: deploy(choreography, config, packages, registry=project.names.get("contracts")))
