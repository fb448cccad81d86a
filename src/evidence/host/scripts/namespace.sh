# enter_place KIND IDS IPS: afterwards `$IN command` runs in the network namespace of a host or a pod.
#   KIND  host, or pod
#   IDS   the pod's container ids, by comma
#   IPS   the pod's addresses, by comma
# For a pod it sets NETNS_PID, a process that was in that namespace, and holds the namespace itself open on descriptor 4,
# so that no restart of a container can put another one in its place. It is believed only when it is not the shell's own
# and one of the pod's addresses is local to it; otherwise `lbdiag-refused namespace: why` and status 97.
proc=/proc docker_socket=/var/run/docker.sock

refuse_namespace() {
  echo "lbdiag-refused namespace: $1" >&2
  exit 97
}

enter_place() {
  IN='' NETNS_PID=''
  [ "$1" = pod ] || return 0
  command -v nsenter >/dev/null 2>&1 || { echo 'lbdiag-refused tool: nsenter' >&2; exit 96; }
  own_netns=$(readlink "/proc/$$/ns/net") && [ -n "$own_netns" ] || refuse_namespace 'its own namespace cannot be read'
  [ -n "$3" ] || refuse_namespace 'the pod has no address by which its namespace could be known'
  reason='no process of its containers was found'
  for id in $(split "$2"); do
    for pid in $(pids_by_cgroup "$id"); do prove "$pid" "$3" && return 0; done
  done
  for id in $(split "$2"); do
    for pid in $(pids_by_runtime "$id"); do prove "$pid" "$3" && return 0; done
  done
  # A container that has just ended or restarted is known by neither, but the pod's namespace is still held.
  why=$reason
  for pid in $(pids_by_namespace); do prove "$pid" "$3" && return 0; done
  refuse_namespace "$why, and no network namespace of this host holds $3"
}

split() {
  printf '%s\n' "$1" | tr ',' ' '
}

# The id is in every form of a container's path: cgroup v1 and v2, the drivers systemd and cgroupfs, and both mixed. CRI-O's
# monitor carries it too and is in the host's namespace.
pids_by_cgroup() {
  [ -n "$1" ] || return 0
  grep -HF -e "$1" "$proc"/[0-9]*/cgroup 2>/dev/null | grep -vF -e "crio-conmon-$1" | while IFS=: read -r path _; do
    path=${path%/cgroup}
    echo "${path##*/}"
  done | uniq
}

# Whoever runs the containers may be dead or slow: nobody waits long for an answer.
pids_by_runtime() {
  case $1 in '' | *[!0-9A-Za-z]*) return 0 ;; esac
  timeout 4 crictl inspect -o go-template --template '{{.info.pid}}' "$1" 2>/dev/null && return 0
  timeout 4 ctr -n k8s.io task ls 2>/dev/null | while read -r task pid _; do [ "$task" != "$1" ] || echo "$pid"; done
  timeout 4 docker inspect -f '{{.State.Pid}}' "$1" 2>/dev/null && return 0
  [ ! -S "$docker_socket" ] || curl -s --max-time 4 --unix-socket "$docker_socket" "http://docker/containers/$1/json" 2>/dev/null |
    sed -n 's/.*"Pid": *\([0-9][0-9]*\).*/\1/p'
}

# One process for each network namespace but this one.
pids_by_namespace() {
  seen=" $own_netns "
  ls -l "$proc"/[0-9]*/ns/net 2>/dev/null | while read -r line; do
    inode=${line##* } path=${line% -> *}
    case $seen in *" $inode "*) continue ;; esac
    seen="$seen$inode "
    path=${path##* } path=${path%/ns/net}
    echo "${path##*/}"
  done
}

prove() {
  case $1 in '' | 0 | *[!0-9]*) return 1 ;; esac
  { command exec 4<"$proc/$1/ns/net"; } 2>/dev/null || return 1
  netns=$(readlink "/proc/$$/fd/4") netns=${netns##*/}
  if [ "$netns" = "$own_netns" ]; then
    reason="process $1 is in the host's namespace"
  else
    for ip in $(split "$2"); do
      holds "$1" "$ip" || continue
      # The process may have gone, and its number may be another's by now.
      [ "$(readlink "$proc/$1/ns/net")" = "$netns" ] || continue
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
    *:*) grep -qi "^$(hexadecimal "$2") " "$proc/$1/net/if_inet6" 2>/dev/null ;;
    *.*) grep -A1 -e "|-- $2\$" "$proc/$1/net/fib_trie" 2>/dev/null | grep -q 'host LOCAL' ;;
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
