"""What is asked of servers about webhooks, and how a lab buys something to be told of."""

from federation.scenario import documents as ask

HOOK = "id state why url types keptBy party role missed failingSince formerSecretUntil"
SUBSCRIBE = f"""mutation($url: String!, $types: [WebhookEventType!]!, $key: String!) {{
  subscribeWebhook(url: $url, types: $types, key: $key) {{
    ... on GivenWebhook {{ secret webhook {{ {HOOK} }} }} ... on Refused {{ code message }} }} }}"""
ROTATE = f"""mutation($webhook: ID!) {{ rotateWebhookSecret(webhook: $webhook) {{
    ... on GivenWebhook {{ secret webhook {{ {HOOK} }} }} ... on Refused {{ code message }} }} }}"""
DONE = {
    name: f"""mutation($webhook: ID!) {{ {name}Webhook(webhook: $webhook) {{
    ... on Webhook {{ {HOOK} }} ... on Refused {{ code message }} }} }}"""
    for name in ("pause", "resume", "end")
}
TOLD = "id event type data state attempts status error"
PING = f"""mutation($webhook: ID!) {{ pingWebhook(webhook: $webhook) {{
    ... on WebhookDelivery {{ {TOLD} }} ... on Refused {{ code message }} }} }}"""
REPLAY = f"""mutation($delivery: ID!) {{ replayWebhookDelivery(delivery: $delivery) {{
    ... on WebhookDelivery {{ {TOLD} }} ... on Refused {{ code message }} }} }}"""
REPLAY_SINCE = """mutation($webhook: ID!, $since: DateTime!) {
  replayWebhook(webhook: $webhook, since: $since) {
    ... on WebhookReplay { webhook events } ... on Refused { code message } } }"""
WEBHOOKS = f"{{ webhooks {{ edges {{ node {{ {HOOK} }} }} }} }}"
DELIVERIES = f"""query($webhook: ID!) {{ webhookDeliveries(webhook: $webhook) {{
    edges {{ node {{ {TOLD} }} }} }} }}"""
OFFER = """mutation($input: OfferInput!, $key: String!) { offerLicence(input: $input, key: $key) {
  ... on Offer { id } ... on Refused { code message } } }"""


async def buy(small, code, lab, *, key="told", starts_on="2026-12-01", ends_on="2027-11-30"):
    """Sell a lab a small licence of a server and return its number."""
    terms = {
        "licensee": lab,
        "components": [{"uses": ["TRAIN"], "fee": "36500", "unit": "TOKEN"}],
        "currency": "EUR",
        "startsOn": starts_on,
        "endsOn": ends_on,
        "usageBasis": "site",
        "reason": "a pilot",
    }
    offer = await small.at(code, "licensing").ask(OFFER, input=terms, key=key)
    sold = await small.lab(lab, code).ask(ask.ACCEPT, offer=offer["id"], key=key)
    return sold["number"]
