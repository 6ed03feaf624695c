"""Which user agents are crawlers of AI companies. A publisher may put another rule in its place.

A name is a claim, not a proof; whoever hides it is a matter for the publisher's bot defence.
"""

import re
from typing import Final

AI_CRAWLERS: Final = (
    "AI2Bot",
    "Amazonbot",
    "anthropic-ai",
    "Applebot-Extended",
    "Brightbot",
    "Bytespider",
    "CCBot",
    "ChatGPT-User",
    "Claude-SearchBot",
    "Claude-User",
    "Claude-Web",
    "ClaudeBot",
    "cohere-ai",
    "cohere-training-data-crawler",
    "DeepSeekBot",
    "Diffbot",
    "DuckAssistBot",
    "FacebookBot",
    "Google-CloudVertexBot",
    "Google-Extended",
    "GoogleOther",
    "GPTBot",
    "GrokBot",
    "ICC-Crawler",
    "img2dataset",
    "Kangaroo Bot",
    "meta-externalagent",
    "meta-externalfetcher",
    "MistralAI-User",
    "OAI-SearchBot",
    "omgili",
    "PanguBot",
    "Perplexity-User",
    "PerplexityBot",
    "PetalBot",
    "TikTokSpider",
    "Timpibot",
    "Webzio-Extended",
    "xAI-Bot",
    "YouBot",
)
_NAMES: Final = re.compile("|".join(map(re.escape, AI_CRAWLERS)), re.IGNORECASE)


def is_ai_crawler(agent: str) -> bool:
    """Tell whether a user agent names a known crawler of an AI company."""
    return _NAMES.search(agent) is not None
