#!/bin/sh
# Asks a service what isn't known of it, and keeps what it says: see docs/recording.md.
#
#   settle.sh SCRIPT RECORDING [python|javascript|php|ruby]
#
# SCRIPT is the id of a script that no flow uses: versions of it are made, deployed, run and deleted again.
set -u
[ $# -ge 2 ] || { echo "expected: settle.sh SCRIPT RECORDING [python|javascript|php|ruby]" >&2 && exit 2; }
script=$1 recording=$2 language=${3:-python}
folder=$(mktemp -d)

ask() { patchworks "$@" --record "$recording" >/dev/null || echo "  (exit code $?: that may be the answer)" >&2; }

made=
clean() {
  for id in $made; do patchworks delete "$id" --yes --record "$recording" || true; done
  made=
}
trap 'wait; clean; rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Makes a version of a source: its id, which is noted in the same step, so that it is deleted whatever comes between.
create() {
  made="$made $(patchworks create "$script" "$1" --json --record "$recording" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')"
  id=${made##* }
  [ -n "$id" ] || { echo "no version could be made: see above" >&2 && exit 1; }
}

# Sources with a line end at their end, so that it is seen whether that stays.
# shellcheck disable=SC2016 # what looks like variables is PHP's
good() {
  case $language in
  python) printf 'def handle(data):\n  return {"payload": "%s", "logs": ["one", "two"]}\n' "$1" ;;
  javascript) printf 'module.exports = async function (data) {\n  return { payload: "%s", logs: ["one", "two"] }\n}\n' "$1" ;;
  php) printf '<?php\nfunction handle($data) { return ["payload" => "%s", "logs" => ["one", "two"]]; }\n' "$1" ;;
  ruby) printf 'def handle(data)\n  { "payload" => "%s", "logs" => ["one", "two"] }\nend\n' "$1" ;;
  esac
}
broken() {
  case $language in
  python) printf 'def handle(:\n' ;;
  javascript) printf 'module.exports = (\n' ;;
  php) printf '<?php\nfunction handle(\n' ;;
  ruby) printf 'def handle(\n' ;;
  esac
}
# shellcheck disable=SC2016
raising() {
  case $language in
  python) printf 'def handle(data):\n  raise ValueError("no")\n' ;;
  javascript) printf 'module.exports = async function (data) {\n  throw new Error("no")\n}\n' ;;
  php) printf '<?php\nfunction handle($data) { throw new Exception("no"); }\n' ;;
  ruby) printf 'def handle(data)\n  raise "no"\nend\n' ;;
  esac
}
# Makes a version, and goes on when its deployment has begun, at which a command in the background looks until it has ended.
begin() {
  create "$1"
  ask deploy "$id" --wait --interval 0.02 &
  until grep -q "script-versions/$id/deploy\"" "$recording"; do
    kill -0 $! 2>/dev/null || break
    sleep 0.02
  done
}

# Does something in the middle of a deployment: again where that was over too soon to tell.
amid() {
  question=$1 operation=$2
  shift 2
  for _ in 1 2 3 4 5; do
    begin "$folder/fourth"
    ask "$operation" "$id" "$@"
    wait
    patchworks check-record "$recording" 2>/dev/null | grep -q "^not seen.$question" || return 0
  done
}

for each in first second third fourth; do good $each >"$folder/$each"; done
broken >"$folder/broken"
raising >"$folder/raising"
[ -s "$folder/broken" ] || { echo "expected python, javascript, php or ruby, got $language" >&2 && exit 2; }

echo "1. How a source comes back, and what invoking what isn't deployed does" >&2
create "$folder/first"
ask show "$id" --content
ask invoke "$id" --yes
ask show "$id"

echo "2. Deployments: how long, what \`deploying\` holds, whether the one before stays" >&2
create "$folder/second"
ask deploy "$id" --wait
ask show "$id"
create "$folder/third"
ask deploy "$id" --wait
ask list "$script"

echo "3. Runs and their logs" >&2
ask invoke "$id" --yes
ask invoke "$id" --yes
ask logs "$id"

echo "4. Deploying what is deployed: looked at again at the end" >&2
again=$id
ask deploy "$again" --wait

echo "5. Deploying, and deleting, in the middle of a deployment" >&2
amid deploy_while_deploying deploy
amid delete_while_deploying delete --yes

echo "6. A deployment that fails, and a script that raises" >&2
create "$folder/broken"
ask deploy "$id" --wait
create "$folder/raising"
ask deploy "$id" --wait
ask show "$id"
ask invoke "$id" --yes

sleep "${PATIENCE:-60}"
ask show "$again"

echo "7. Deleting what was made" >&2
clean
patchworks check-record "$recording"
