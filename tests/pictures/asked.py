"""Prints every address that a page had a browser ask for over a network, by the browser's own log (chromium --log-net-log).

What the browser asks for of itself, such as its updates, has no page that began it: the log says `not an origin` of it.
"""

import json
import sys

NETWORK = ("http:", "https:", "ws:", "wss:", "ftp:")
ITSELF = "not an origin"

with open(sys.argv[1], encoding="utf-8") as file:
    log = json.load(file)

params = [event["params"] for event in log["events"] if isinstance(event.get("params"), dict)]
asked = {one["url"] for one in params if str(one.get("url", "")).startswith(NETWORK) and one.get("initiator", ITSELF) != ITSELF}
for url in sorted(asked):
    print(f"asked for {url}")
