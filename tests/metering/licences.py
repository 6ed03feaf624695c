"""A licence as a server keeps it."""

from federation.licensing.objects import LicenceObject
from federation.licensing.service import encode
from federation.licensing.tables import Licence


def a_row(licence: LicenceObject) -> Licence:
    """Return a licence as it is kept, its signature aside."""
    return Licence(
        number=licence.number,
        version=licence.version,
        licensor=licence.licensor.party,
        licensee=licence.licensee.party,
        status=licence.status,
        starts_on=licence.facts().starts_on,
        ends_on=licence.facts().ends_on,
        body=encode(licence).decode(),
        signed="",
        revoked_at=licence.revoked_at,
        accepted_at=licence.acceptance.at,
    )
