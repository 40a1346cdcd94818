"""The error that the laptop's AWS services raise, with AWS's own error codes and messages."""


class Refused(Exception):
    """An AWS call is refused: AWS's error code, its message and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.status = status
