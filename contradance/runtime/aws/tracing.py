"""X-Ray's subsegment of each invocation, by Powertools' Tracer: imported only where tracing is on.

It says how long the handler took, whether the start was cold, and what kind of exception ended it. Neither what is
answered nor what an exception says is put into the trace: both may hold personal data.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar, cast

from aws_lambda_powertools import Tracer

from contradance.runtime.aws.logs import service_of

Handler = TypeVar("Handler", bound=Callable[..., object])


def traced(handler: Handler, environ: Mapping[str, str]) -> Handler:
    """Return `handler`, traced."""
    tracer = Tracer(service=service_of(environ), auto_patch=False)

    def held(event: object, context: object) -> tuple[object, Exception | None]:
        """Hand an exception past the tracer, which would write down what it says."""
        try:
            return handler(event, context), None
        except Exception as error:  # noqa: BLE001 - raised again, one step further out
            tracer.put_annotation("Failed", type(error).__name__)
            return None, error

    subsegment = tracer.capture_lambda_handler(held, capture_response=False, capture_error=False)

    def invoked(event: object, context: object) -> object:
        answer, error = subsegment(event, context)
        if error is not None:
            raise error
        return answer

    return cast("Handler", invoked)
