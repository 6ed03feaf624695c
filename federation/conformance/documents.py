"""Rules of questions of the hub: documents by id, on whose behalf, until when."""

from hashlib import sha256
from typing import Final

from federation.conformance.optouts import RIGHTS
from federation.conformance.trial import ON_BEHALF_OF, USE, Trial
from federation.conformance.verdicts import Rules
from federation.conformance.wire import OK, Exchange

RULES: Final = Rules()
SOURCE: Final = "decision 0055"
DEADLINE: Final = "Federation-Deadline-Ms"
CHANGES: Final = "{ registryChanges(first: 1) { pageInfo { hasNextPage } } }"


def _id(text: str) -> str:
    return f"sha256:{sha256(text.encode()).hexdigest()}"


async def _by_id(trial: Trial, name: str, text: str | None) -> Exchange:
    """Ask by the id of a document, with the document or without."""
    variables = {"urls": [f"https://{trial.host}/"], "use": USE}
    headers = await trial.as_hub()
    return await trial.wire.graphql(text, variables, headers, documentId=name)


@RULES.rule("documents.unknown", SOURCE)
async def unknown(trial: Trial) -> None:
    """A document that is asked by an id nobody sent is refused (404, DOCUMENT_NOT_KNOWN)."""
    answer = await _by_id(trial, _id(trial.word), None)
    answer.expect(404)
    answer.expect_code("DOCUMENT_NOT_KNOWN")


@RULES.rule("documents.kept", SOURCE)
async def kept(trial: Trial) -> None:
    """A document that was sent with its id runs by the id alone from then on."""
    text = f"# {trial.word}\n{RIGHTS}"
    for sent in (text, None):
        answer = await _by_id(trial, _id(text), sent)
        urls = [item["url"] for item in answer.data()["rights"]["items"]]
        if urls != [f"https://{trial.host}/"]:
            raise answer.broken("the question was not answered")


@RULES.rule("documents.id", SOURCE)
async def other_id(trial: Trial) -> None:
    """A document that is sent with an id that is not its digest is refused (BAD_DOCUMENT_ID)."""
    answer = await _by_id(trial, _id("another document"), RIGHTS)
    answer.expect(400)
    if "data" in answer.json():
        raise answer.broken("data came beside the refusal")
    again = await _by_id(trial, _id("another document"), None)
    again.expect(404)


@RULES.rule("questions.behalf", SOURCE)
async def behalf(trial: Trial) -> None:
    """An answer repeats on whose behalf it was asked, and shows a lab nothing of partners'."""
    for word, is_shown in (("signed-in", False), ("partner", True), ("no-such-word", False)):
        answer = await trial.wire.graphql(CHANGES, None, await trial.as_hub(word))
        repeated = "partner" if is_shown else "signed-in"
        if answer.headers.get(ON_BEHALF_OF.lower()) != repeated:
            came = answer.headers.get(ON_BEHALF_OF.lower(), "no word")
            raise answer.broken(f"asked on behalf of {word}, the answer names {came}")
        if is_shown:
            answer.data()
        else:
            answer.expect_code("NOT_ALLOWED")


@RULES.rule("questions.deadline", SOURCE)
async def deadline(trial: Trial) -> None:
    """A question whose deadline is over is not answered (504, DEADLINE_OVER), one in time is."""
    variables = {"urls": [f"https://{trial.host}/"], "use": USE}
    over = {**await trial.as_hub(), DEADLINE: "0"}
    answer = await trial.wire.graphql(RIGHTS, variables, over)
    answer.expect(504)
    answer.expect_code("DEADLINE_OVER")
    in_time = {**await trial.as_hub(), DEADLINE: "10000"}
    answer = await trial.wire.graphql(RIGHTS, variables, in_time)
    answer.expect(OK)
    answer.data()
