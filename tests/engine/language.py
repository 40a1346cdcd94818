"""A stand-in for `pulumi-language-python`, where Pulumi's command was built without it: runs a Python program once a
`Run`, in a process of its own, with the program's virtualenv, as the real one does.

It does not install dependencies, make projects or generate code.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import grpc  # type: ignore[import-untyped]  # it carries no types
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]  # the same
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]  # the same
from pulumi.runtime.proto import language_pb2, plugin_pb2
from pulumi.runtime.proto.language_pb2_grpc import LanguageRuntimeServicer, add_LanguageRuntimeServicer_to_server

from tests.engine.program import BAIL
from tests.engine.serving import serve

ROOT = Path(__file__).parents[2]


class Language(LanguageRuntimeServicer):
    """What the engine asks of a language."""

    def __init__(self, engine: str) -> None:
        self._engine = engine

    def Handshake(
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        """Take the engine's address."""
        self._engine = request.engine_address or self._engine
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        """Say nothing of a version: there is only one."""
        return plugin_pb2.PluginInfo()

    def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        """Require nothing: the provider is on the path."""
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(
        self, request: language_pb2.GetRequiredPluginsRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPluginsResponse:
        """Require nothing: the provider is on the path."""
        return language_pb2.GetRequiredPluginsResponse()

    def InstallDependencies(
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """Find everything installed."""
        return iter(())

    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> language_pb2.RunResponse:
        """Run the program to its end."""
        options = MessageToDict(request.info.options)
        root = Path(request.info.root_directory)
        python = root / str(options["virtualenv"]) / "bin" / "python" if "virtualenv" in options else sys.executable
        told = {
            "monitor": request.monitor_address,
            "engine": self._engine,
            "project": request.project,
            "stack": request.stack,
            "organization": request.organization,
            "parallel": request.parallel,
            "preview": request.dryRun,
            "root": str(root),
            "program": str(Path(request.info.program_directory) / request.info.entry_point),
            "config": dict(request.config),
            "secret_keys": list(request.configSecretKeys),
        }
        with tempfile.NamedTemporaryFile("w", suffix=".json") as instructions:
            json.dump(told, instructions)
            instructions.flush()
            command = [str(python), str(ROOT / "tests" / "engine" / "program.py"), instructions.name]
            ended = subprocess.run(command, cwd=request.pwd, check=False, env={**os.environ, "PYTHONUNBUFFERED": "1"})
        if ended.returncode == 0:
            return language_pb2.RunResponse()
        return language_pb2.RunResponse(bail=ended.returncode == BAIL, error=f"the program exited {ended.returncode}")


def main() -> None:
    """Serve the engine whose address is the last argument."""
    language = Language(sys.argv[-1])
    serve(lambda server: add_LanguageRuntimeServicer_to_server(language, server))


if __name__ == "__main__":
    main()
