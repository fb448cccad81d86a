# Asks a router's own BGP daemon, through its vtysh, what it knows of some addresses. Every argument is an address.
# Prints sections as the `inspect` script does. An ordinary user may reach the daemon as a member of its group; otherwise sudo is tried.
if ! command -v vtysh >/dev/null 2>&1; then echo 'lbdiag-refused tool: vtysh' >&2; exit 96; fi
VTYSH=vtysh
timeout 5 vtysh -c 'show bgp summary json' >/dev/null 2>&1 </dev/null || VTYSH='sudo -n vtysh'
show() { # NAME COMMAND
  printf '\n=== %s\n' "$1"
  timeout 8 $VTYSH -c "$2" </dev/null 2>&1 | head -c 4000000
  printf '\n=== end 0\n'
}
printf '\n=== addresses\n'
ip -o addr 2>&1
printf '\n=== end %s\n' "$?"
show summary 'show bgp summary json'
for address in "$@"; do
  # Only what looks like an address is put into a command of the daemon's.
  case $address in '' | *[!0-9a-fA-F:.]*) continue ;; *:*) kind=ipv6 route='ipv6 route' ;; *) kind=ipv4 route='ip route' ;; esac
  show "table $address" "show bgp $kind unicast $address json"
  show "route $address" "show $route $address json"
done
