"""What AWS would not do, said as AWS says it."""


class Refused(Exception):
    """(error code, message) of an AWS call that is refused; `status` is its HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.status = status
