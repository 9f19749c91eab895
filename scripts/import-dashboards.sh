#!/bin/sh
# Imports the packs' dashboards into a Grafana.
#
#   ./scripts/import-dashboards.sh [FILE.json …]
#
#   GRAFANA_URL       default http://localhost:3000
#   GRAFANA_TOKEN     a service account's token, or
#   GRAFANA_USER and GRAFANA_PASSWORD, default admin and admin
#   GRAFANA_FOLDER    default Belfry
set -eu

url=${GRAFANA_URL:-http://localhost:3000}
url=${url%/}
folder=${GRAFANA_FOLDER:-Belfry}
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)

fail() {
  echo "import-dashboards: $1" >&2
  exit 1
}

for tool in curl jq; do
  command -v "$tool" >/dev/null 2>&1 || fail "$tool is needed and not installed; without it: ./belfry push grafana $url --yes"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Credentials go to curl by file: arguments can be seen by every user of the machine.
escaped() { printf '%s' "$1" | sed 's/[\\"]/\\&/g'; }
umask 077
if [ -n "${GRAFANA_TOKEN:-}" ]; then
  printf 'header = "Authorization: Bearer %s"\n' "$(escaped "$GRAFANA_TOKEN")" >"$work/curl"
else
  printf 'user = "%s:%s"\n' "$(escaped "${GRAFANA_USER:-admin}")" "$(escaped "${GRAFANA_PASSWORD:-admin}")" >"$work/curl"
fi

# ask METHOD PATH [BODY-FILE]: prints the status; the answer is in $work/answer.
ask() {
  if [ $# -gt 2 ]; then
    curl -sS -m 30 -K "$work/curl" -X "$1" -H 'Content-Type: application/json' --data-binary "@$3" -o "$work/answer" -w '%{http_code}' "$url$2"
  else
    curl -sS -m 30 -K "$work/curl" -X "$1" -o "$work/answer" -w '%{http_code}' "$url$2"
  fi
}
said() { jq -r '.message // .error // "no message"' "$work/answer" 2>/dev/null || head -c 200 "$work/answer"; }

status=$(ask GET /api/health) || fail "nothing answers at $url (GRAFANA_URL)"
[ "$status" = 200 ] || fail "$url/api/health answers $status: is this a Grafana?"

if [ $# -eq 0 ]; then
  "$root/belfry" build --out "$work/build" >/dev/null || fail 'the packs could not be built'
  set -- "$work"/build/grafana/dashboards/*.json
fi

status=$(ask GET '/api/folders?limit=1000')
case $status in
  200) ;;
  401 | 403) fail "$url refuses the credentials ($status): set GRAFANA_TOKEN, or GRAFANA_USER and GRAFANA_PASSWORD" ;;
  404) echo '[]' >"$work/answer" ;;
  *) fail "folders: $status: $(said)" ;;
esac
folder_uid=$(jq -r --arg t "$folder" '[.[] | select(.title == $t)][0].uid // ""' "$work/answer")
if [ -z "$folder_uid" ] && [ "$status" = 200 ]; then
  jq -n --arg t "$folder" '{title: $t}' >"$work/body"
  status=$(ask POST /api/folders "$work/body")
  [ "$status" = 200 ] || fail "folder $folder: $status: $(said)"
  folder_uid=$(jq -r .uid "$work/answer")
fi

failed=0
for file in "$@"; do
  [ -f "$file" ] || fail "no file $file"
  jq --arg f "$folder_uid" '{dashboard: (.dashboard? // . | .id = null), overwrite: true, message: "import-dashboards.sh"} + (if $f == "" then {} else {folderUid: $f} end)' "$file" >"$work/body" ||
    fail "$file is not JSON"
  title=$(jq -r '.dashboard.title' "$work/body")
  status=$(ask POST /api/dashboards/db "$work/body")
  if [ "$status" = 200 ]; then
    echo "imported: $title ($url$(jq -r '.url // ""' "$work/answer"))"
  else
    echo "failed:   $title: $status: $(said)" >&2
    failed=$((failed + 1))
  fi
done
[ "$failed" -eq 0 ] || fail "$failed of $# dashboards were not imported"
echo "$# dashboards are in the folder $folder of $url"
