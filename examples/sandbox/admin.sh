#!/bin/sh
# A test of any program against the sandbox, with curl: its state, its faults and its clock over HTTP.
#
# Usage: SANDBOX_URL=http://127.0.0.1:8787 SANDBOX_TOKEN=.. SANDBOX_KEY=sandbox-key sh admin.sh
set -eu
admin() { # METHOD PATH [BODY]
  curl --silent --fail-with-body --request "$1" --header "Authorization: Bearer $SANDBOX_TOKEN" ${3:+--data "$3"} \
    "$SANDBOX_URL/_sandbox/$2"
  echo
}
api() { # METHOD PATH
  curl --silent --request "$1" --header "Authorization: ${SANDBOX_KEY:-sandbox-key}" --header 'Accept: application/json' \
    --write-out ' %{http_code}\n' "$SANDBOX_URL/api/v1/$2"
}

admin POST reset
admin POST seed '{"scripts": [{"id": 42, "name": "Orders", "language": "python", "versions": [{"id": 7, "content": "def handle(data): return data"}]}]}'
admin PUT snapshots/before
admin POST faults '{"operation": "get", "how": "status", "status": 503}'
api GET script-versions/7
api GET script-versions/7
api POST script-versions/7/deploy
admin POST clock '{"advance": 60}'
admin GET 'requests/wait?operation=get&count=2'
admin POST snapshots/before/restore
api GET script-versions/7
