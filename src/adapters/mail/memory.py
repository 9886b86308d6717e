"""Letters kept in memory: for tests, and for programs that send none."""

from collections import deque

from ...application.mail import Message


class MemoryMailer:
    """Keeps the last letters, the newest last."""

    def __init__(self, most: int = 1_000) -> None:
        self.sent: deque[Message] = deque(maxlen=most)

    async def send(self, message: Message) -> None:
        self.sent.append(message)
