"""The error that the laptop's AWS services raise, with AWS's own error codes and messages."""

from contradance.bounds import MAX_REASON_BYTES, shortened


class Refused(Exception):
    """An AWS call is refused: AWS's error code, its message, which may name what the client sent, and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = shortened(message, MAX_REASON_BYTES)
        self.status = status
