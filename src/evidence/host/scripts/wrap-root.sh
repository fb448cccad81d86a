echo "$0" >&2
if [ "$(id -u)" = 0 ]; then exec "$@"; fi
exec sudo -n -- "$@"
