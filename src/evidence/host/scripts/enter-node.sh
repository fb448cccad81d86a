# enter-node.sh host|pod: looks at a node out of a privileged pod on it, which sees the node's processes (hostPID).
# Reads one line from standard input, which the shell that it is for makes a command of; what follows there is for that.
#   host  with the node's own tools, in its mount and network namespaces; where the node has no shell, as by `pod`
#   pod   with the container's tools, in the node's network namespace
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
refuse() {
  echo "lbdiag-refused node: $1" >&2
  exit 98
}
IFS= read -r line || refuse 'nothing was asked'
[ "$(id -u)" = 0 ] || refuse "the container runs as user $(id -u), not as root"
theirs=$(readlink /proc/1/ns/net) && [ -n "$theirs" ] || refuse 'process 1 cannot be looked at (is the container privileged?)'
make='eval "$(printf "$0")"'
if [ "$1" = host ] && nsenter -t 1 -m -n -u -- /bin/sh -c : </dev/null >/dev/null 2>&1; then
  exec nsenter -t 1 -m -n -u -- /bin/sh -c "$make" "$line"
fi
if [ "$(readlink /proc/self/ns/net)" = "$theirs" ]; then exec /bin/sh -c "$make" "$line"; fi
nsenter -t 1 -n -- /bin/sh -c : </dev/null >/dev/null 2>&1 || refuse "the node's network cannot be entered (nsenter is missing, or the container is not privileged)"
exec nsenter -t 1 -n -- /bin/sh -c "$make" "$line"
