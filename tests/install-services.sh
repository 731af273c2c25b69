#!/bin/sh
# Installs what the tests talk to, where it is missing and apt may be used; says what is missing where it may not.
set -eu
has() {
  for program; do
    command -v "$program" >/dev/null 2>&1 && return 0
  done
  return 1
}
missing=""
has redis-server || missing="$missing redis-server"
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$missing postgresql"
has chromium chromium-browser google-chrome || missing="$missing chromium"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  apt-get update -qq
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
else
  echo "The tests need:$missing. Install them (Debian: apt-get install$missing) and run make test again." >&2
  exit 1
fi
