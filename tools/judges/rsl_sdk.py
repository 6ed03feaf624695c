"""The stock buyer and verifier, in an environment of its own: reads a JSON task, prints JSON.

A task is {"buy": URL, "id", "secret"}: the answer is a token, or why there is none; or {"verify":
token, "at": URL, "by": base URL}: the answer is "valid", or why it is not.
"""

import asyncio
import json
import sys

from supertab_connect.customer import obtain_license_token
from supertab_connect.exceptions import SupertabConnectError
from supertab_connect.merchant.license import verify_license_token


async def done(task: dict[str, str]) -> str:
    """Carry out one task."""
    if "buy" in task:
        try:
            token = await obtain_license_token(
                client_id=task["id"], client_secret=task["secret"], resource_url=task["buy"]
            )
        except SupertabConnectError as error:
            return f"refused: {error}"
        return token or "no token needed"
    found = await verify_license_token(
        task["verify"], request_url=task["at"], supertab_base_url=task["by"]
    )
    return "valid" if found.valid else str(found.reason)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(done(json.load(sys.stdin)))))
