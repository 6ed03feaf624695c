"""A server's token endpoint as a client sees it: it answers each request with the next token."""

import json
import threading

from federation.access.wire import Answer


class TokenServer:
    """Answers each request for a token with the next one."""

    def __init__(self):
        self.calls, self.count, self.answer = [], 0, None
        self.hold = threading.Event()
        self.hold.set()

    def __call__(self, call):
        self.calls.append(call)
        self.hold.wait(5)
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            return self.answer
        self.count += 1
        return granted(f"token-{self.count}")


def granted(token, **changes):
    said = {"access_token": token, "token_type": "Bearer", "expires_in": 3600} | changes
    return Answer(200, {}, json.dumps(said).encode())
