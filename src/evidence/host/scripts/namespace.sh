# enter_place KIND IDS IPS: afterwards `$IN command` runs in the network namespace of a host or a pod.
#   KIND  host, or pod
#   IDS   the pod's container ids, by comma
#   IPS   the pod's addresses, by comma
# For a pod it sets NETNS_PID, a process that was in that namespace, and holds the namespace itself open on descriptor 4,
# so that no restart of a container can put another one in its place. It is believed only when it is not the shell's own
# and one of the pod's addresses is local to it; otherwise `lbdiag-refused namespace: why` and status 97.
refuse_namespace() {
  echo "lbdiag-refused namespace: $1" >&2
  exit 97
}

enter_place() {
  IN='' NETNS_PID=''
  [ "$1" = pod ] || return 0
  command -v nsenter >/dev/null 2>&1 || { echo 'lbdiag-refused tool: nsenter' >&2; exit 96; }
  own_netns=$(readlink "/proc/$$/ns/net") && [ -n "$own_netns" ] || refuse_namespace 'its own namespace cannot be read'
  reason='no process of its containers was found'
  for id in $(split "$2"); do
    for pid in $(pids_by_cgroup "$id"); do prove "$pid" "$3" && return 0; done
  done
  for id in $(split "$2"); do
    for pid in $(pids_by_runtime "$id"); do prove "$pid" "$3" && return 0; done
  done
  # A container that has just ended or restarted is known by neither, but the pod's namespace is still held.
  for pid in $(pids_by_namespace); do prove "$pid" "$3" && return 0; done
  refuse_namespace "$reason"
}

split() {
  printf '%s\n' "$1" | tr ',' ' '
}

# cgroup v1 writes …/pod<uid>/<id>, v2 with systemd …/cri-containerd-<id>.scope: the id is in both.
pids_by_cgroup() {
  [ -n "$1" ] || return 0
  grep -lF -e "$1" /proc/[0-9]*/cgroup 2>/dev/null | while IFS=/ read -r _ _ pid _; do echo "$pid"; done
}

pids_by_runtime() {
  crictl inspect -o go-template --template '{{.info.pid}}' "$1" 2>/dev/null && return 0
  ctr -n k8s.io task ls 2>/dev/null | while read -r task pid _; do [ "$task" != "$1" ] || echo "$pid"; done
  docker inspect -f '{{.State.Pid}}' "$1" 2>/dev/null
}

# One process for each network namespace but this one.
pids_by_namespace() {
  seen=" $own_netns "
  ls -l /proc/[0-9]*/ns/net 2>/dev/null | while read -r line; do
    inode=${line##* } path=${line% -> *}
    case $seen in *" $inode "*) continue ;; esac
    seen="$seen$inode "
    path=${path##* /proc/}
    echo "${path%%/*}"
  done
}

prove() {
  case $1 in '' | 0 | *[!0-9]*) return 1 ;; esac
  { command exec 4<"/proc/$1/ns/net"; } 2>/dev/null || return 1
  netns=$(readlink "/proc/$$/fd/4")
  if [ "$netns" = "$own_netns" ]; then
    reason="process $1 is in the host's namespace"
  else
    for ip in $(split "$2"); do
      holds "$1" "$ip" || continue
      # The process may have gone, and its number may be another's by now.
      [ "$(readlink "/proc/$1/ns/net")" = "$netns" ] || continue
      IN='nsenter --net=/proc/self/fd/4' NETNS_PID=$1
      echo "lbdiag-proof pid=$1 netns=$netns ip=$ip" >&2
      return 0
    done
    reason="the namespace of process $1 holds none of $2"
  fi
  exec 4<&-
  return 1
}

# Whether an address is local to the namespace of a process. A mere route to it does not count.
holds() {
  case $2 in
    *:*) grep -qi "^$(hexadecimal "$2") " "/proc/$1/net/if_inet6" 2>/dev/null ;;
    *.*) grep -A1 -e "|-- $2\$" "/proc/$1/net/fib_trie" 2>/dev/null | grep -q 'host LOCAL' ;;
    *) return 1 ;;
  esac
}

# An IPv6 address as if_inet6 writes it: 32 digits.
hexadecimal() {
  after=''
  case $1 in *::*) after=$(groups "${1#*::}") ;; esac
  digits=$(groups "${1%%::*}")
  while [ $((${#digits} + ${#after})) -lt 32 ]; do digits=${digits}0; done
  printf %s "$digits$after"
}

groups() {
  printf '%s\n' "$1" | tr ':' '\n' | while read -r group; do
    [ -n "$group" ] || continue
    while [ ${#group} -lt 4 ]; do group=0$group; done
    printf %s "$group"
  done
}
