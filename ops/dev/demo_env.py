"""The shell file the demo leaves for whoever tries it: addresses, credentials, two small functions."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from ops.client.line import Credentials
from ops.dev.site import Site
from ops.dev.story import Sending
from ops.dev.vxp_client import Centre


def shell_file(
    site: Site, credentials: Mapping[str, Credentials], *, example: Sending, centre: Centre | None
) -> str:
    """Return what the examples of the README need."""
    sender, recipient = example.sender.code, example.to[0].code
    values = {
        "URL": site.url,
        "SENDER": sender,
        "SENDER_ID": credentials[sender].client_id,
        "SENDER_SECRET": credentials[sender].client_secret,
        "RECIPIENT": recipient,
        "RECIPIENT_ID": credentials[recipient].client_id,
        "RECIPIENT_SECRET": credentials[recipient].client_secret,
        "PDF": str(example.pdf),
        "TRUST": str(site.trust_dir),
        "LIENTHONG_CONFIG": str(site.config),
        "LIENTHONG": str(Path(sys.executable).parent / "lienthong"),
    }
    if centre is not None:
        values |= {"VXP": centre.endpoint, "SYSTEM_ID": centre.system_id, "SYSTEM_SECRET": centre.secret}
    exports = [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    return "\n".join([*exports, _FIELD, _VXP])


_FIELD = """
# field NAME…: print one field of the JSON that comes in, e.g. `field items 0 delivery`
field() { python3 -c 'import json, sys
found = json.load(sys.stdin)
for name in sys.argv[1:]:
    found = found[int(name) if isinstance(found, list) else name]
print(found)' "$@"; }
"""

_VXP = """
# vxp CALL [NAME=VALUE…]: make one signed call of the national axis, e.g. `vxp getEdoc docId=…`
vxp() { call=$1; shift; python3 -c 'import hmac, json, os, sys, time
now = time.time()
stamp = time.strftime("%d%m%YT%H%M%S", time.gmtime(now + 7 * 3600)) + f"+{int(now % 1 * 1000):04}"
own = {"systemid": os.environ["SYSTEM_ID"], "timestamp": stamp, "Content-Type": "application/json"}
signed = {**own, **dict(word.split("=", 1) for word in sys.argv[1:])}
headers = {f"XroadVnpt-{name}": value for name, value in signed.items()}
text, key = json.dumps(headers), os.environ["SYSTEM_SECRET"].encode()
headers["XroadVnpt-sign-header-key"] = ";".join(signed)
headers["XroadVnpt-sign-header"] = text
headers["XroadVnpt-hash-header"] = hmac.new(key, text.encode(), "sha256").hexdigest()
print("Content-Type: application/json", *(f"{n}: {v}" for n, v in headers.items()), sep="\\n")' "$@" |
  curl -s -X POST "$VXP/$call" -H @-; }
"""
