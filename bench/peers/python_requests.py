"""Python's requests with a session: URL KEY COUNT"""
import sys
import time

import requests

url, key, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
session = requests.Session()
session.headers.update({"Authorization": key, "Accept": "application/json", "Content-Type": "application/json"})
for _ in range(100):
    session.get(url).json()
began = time.monotonic()
for _ in range(count):
    session.get(url).json()["data"]
print(time.monotonic() - began)
