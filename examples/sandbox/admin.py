"""A test of any program against the sandbox, in Python: its state, its faults and its clock over HTTP.

Usage: SANDBOX_URL=http://127.0.0.1:8787 SANDBOX_TOKEN=.. python3 admin.py
"""
import json
import os
import urllib.error
import urllib.request

url, token = os.environ["SANDBOX_URL"], os.environ["SANDBOX_TOKEN"]


def call(method, path, body=None, credential="Bearer " + token):
    headers = {"Authorization": credential, "Accept": "application/json", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def admin(method, path, body=None):
    return call(method, "/_sandbox/" + path, body)


key = admin("GET", "status")["key"]
source = "def handle(data): return data"
admin("POST", "reset")
admin("POST", "seed", {"scripts": [{"id": 42, "name": "Orders", "language": "python", "versions": [{"id": 7, "content": source}]}]})
admin("PUT", "snapshots/before")

admin("POST", "faults", {"operation": "get", "how": "status", "status": 503})
try:
    call("GET", "/api/v1/script-versions/7", credential=key)
except urllib.error.HTTPError as problem:
    print("the fault came:", problem.code)
print("and then:", call("GET", "/api/v1/script-versions/7", credential=key)["data"]["name"])

call("POST", "/api/v1/script-versions/7/deploy", credential=key)
admin("POST", "clock", {"advance": 60})
print("requests for get:", admin("GET", "requests/wait?operation=get&count=2")["count"])
admin("POST", "snapshots/before/restore")
print("status:", call("GET", "/api/v1/script-versions/7", credential=key)["data"]["status"])
