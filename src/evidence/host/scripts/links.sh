# Prints the interfaces of a host with their MAC addresses, in a section of its own.
command -v ip >/dev/null 2>&1 || { echo 'lbdiag-refused tool: ip' >&2; exit 96; }
printf '\n=== links\n'
ip -d -o link
printf '\n=== end %s\n' "$?"
