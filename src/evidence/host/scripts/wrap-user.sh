echo "$0" >&2
exec "$@"
