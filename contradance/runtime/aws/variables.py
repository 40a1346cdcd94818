"""A deployed function's variables: its environment, and its secrets from the SSM Parameter Store."""

import logging
from collections.abc import Iterator, Mapping
from typing import Final

from contradance.errors import AWSCallFailed, DeclarationError
from contradance.runtime.aws import variable_names
from contradance.runtime.aws.caller import Caller
from contradance.runtime.ports import Clock

KEEP_SECONDS: Final = 300.0
"""How long a secret is cached: a rotated one is in use after at most five minutes."""
_PREFIX: Final = "SECRET_"
_AT_ONCE: Final = 10
"""Most parameters of one call. SSM API, GetParameters."""
_NOT_FOUND: Final = "ParameterNotFound"
_LOG: Final = logging.getLogger("contradance.secrets")


class Variables(Mapping[str, str]):
    """The environment, in which `SECRET_X` is the secret `x`, fetched at first use.

    Args:
        environ: the environment.
        parameters: the name of each secret's SSM parameter.
        aws: calls SSM.
        clock: measures the age of a cached secret.
    """

    def __init__(self, environ: Mapping[str, str], parameters: Mapping[str, str], aws: Caller, clock: Clock) -> None:
        self._environ = environ
        self._parameters = {f"{_PREFIX}{name.upper()}": parameter for name, parameter in parameters.items()}
        self._aws = aws
        self._clock = clock
        self._kept: dict[str, tuple[float, str]] = {}

    def __getitem__(self, name: str) -> str:
        return self._secret(name) if name.startswith(_PREFIX) else self._environ[name]

    def __iter__(self) -> Iterator[str]:
        yield from (name for name in self._environ if not name.startswith(_PREFIX))
        yield from self._parameters

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _secret(self, name: str) -> str:
        """Return a secret, cached or fetched; raise `DeclarationError` or `AWSCallFailed` if it does not exist."""
        parameter = self._parameters.get(name)
        if parameter is None:
            raise DeclarationError(
                f"secret {name.removeprefix(_PREFIX).lower()!r} is not deployed for this function: "
                f"{variable_names.SECRETS} has no such key.\n  Deploy the function again: its uses=[...] lists its secrets."
            )
        now = self._clock.now().timestamp()
        kept = self._kept.get(name)
        if kept and now - kept[0] < KEEP_SECONDS:
            return kept[1]
        try:
            values = self._fetch()
        except AWSCallFailed as error:
            if kept is None:
                raise
            _LOG.warning("%s cannot be read, and its cached value is used: %s", parameter, error)
            return kept[1]
        self._kept.update({each: (now, values[named]) for each, named in self._parameters.items() if named in values})
        if parameter not in values:
            raise AWSCallFailed(f"ssm has no parameter {parameter}.\n  Deploy the stack again.", _NOT_FOUND, {})
        return values[parameter]

    def _fetch(self) -> dict[str, str]:
        """Return the value of each parameter that exists, by name; one call reads up to ten.

        SSM limits the calls of an account.
        """
        names = sorted({*self._parameters.values()})
        found: dict[str, str] = {}
        for at in range(0, len(names), _AT_ONCE):
            request = {"Names": names[at : at + _AT_ONCE], "WithDecryption": True}
            answer = self._aws.call("ssm", "GetParameters", request)
            found |= {one["Name"]: str(one["Value"]) for one in answer["Parameters"]}
        return found
