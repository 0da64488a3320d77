"""What JSON Schema has no word for: of the messages that fit it, those that break one of these rules are left out.

The description names the rules, in words, as `x-maxBytes` and `x-maxRows`."""

import json
from datetime import datetime, timedelta

import schemathesis

V2 = ("sms", "mms", "rcs", "email", "voice")


def as_json(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def short_enough(message):
    most = {"push": 4096, "in-app": 4096}.get(message.get("channel"))
    small = most is None or len(as_json(message.get("content"))) <= most
    return small and len((message.get("correlationId") or "").encode("utf-8", "surrogatepass")) <= 50


def few_enough_rows(message):
    try:
        sections = message["content"]["list"]["action"]["sections"]
        return sum(len(section["rows"]) for section in sections) <= 10
    except (KeyError, TypeError):
        return True


def instant(text):
    return datetime.fromisoformat(text.upper().replace("Z", "+00:00"))


def in_order(message):
    send, expire = message.get("sendAt"), message.get("expireAt")
    if not expire:
        return True
    try:
        expire = instant(expire)
        begin = instant(send) if send else datetime.now(expire.tzinfo)
        window = timedelta(days=7) - timedelta(minutes=1)
        if send and expire <= begin:
            return False
        return message.get("channel") not in V2 or expire <= max(begin, datetime.now(expire.tzinfo)) + window
    except (ValueError, OverflowError):
        return False


@schemathesis.hook
def filter_case(context, case):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return True
    # A view is encrypted, so none can be made up.
    if "view" in (case.query or {}):
        return False
    if case.operation.label != "POST /v1/messages" or not isinstance(case.body, dict):
        return True
    return short_enough(case.body) and few_enough_rows(case.body) and in_order(case.body)
