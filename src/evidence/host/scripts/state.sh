# Prints one part of the network state of a place. $1 $2 $3 name the place (see namespace.sh), $4 the part, and what follows are its values.
# What a section is, `section.sh` tells.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
enter_place "$1" "$2" "$3"
part=$4
shift 4
route_asked() { # ADDRESS FROM IIF MARK, the last three may be empty. A refusal is an answer too.
  from=$2 iif=$3 mark=$4
  set -- ip route get "$1"
  [ -z "$from" ] || set -- "$@" from "$from"
  [ -z "$iif" ] || set -- "$@" iif "$iif"
  [ -z "$mark" ] || set -- "$@" mark "$mark"
  $IN "$@" 2>&1 | tr '\n' ' '
}
forwarded_asked() { # DESTINATION,SOURCE,INTERFACE…: the way of what comes in there and is forwarded
  for question in "$@"; do
    # The parts hold no white space, so that the shell's own splitting is safe once the comma is the separator.
    old=$IFS; IFS=,; set -f; set -- $question; set +f; IFS=$old
    printf '%s => %s\n' "$question" "$(route_asked "$1" "$2" "$3" '')"
  done
}
settings_read() { # NAME… below /proc/sys
  for name in "$@"; do
    if value=$($IN cat "/proc/sys/$name" 2>/dev/null); then printf '%s = %s\n' "$name" "$(printf '%s' "$value" | tr '\t\n' '  ')"; fi
  done
  true
}
connections_of() { # ADDRESS FAMILY: the entries that name the address at either end, as asked or as answered
  # Of the entries it is not told whether reading them failed, so their count is asked first.
  if command -v conntrack >/dev/null 2>&1; then
    count=$($IN conntrack -C 2>&1) || { printf '%s\n' "$count"; return 1; }
    $IN conntrack -L -f "$2" 2>/dev/null | grep -F -e "=$1 " | head -n 2000
  elif $IN test -r /proc/self/net/nf_conntrack; then
    $IN grep -F -e "=$1 " /proc/self/net/nf_conntrack | head -n 2000
  else
    printf 'neither conntrack nor /proc/net/nf_conntrack is there\n'
    return 1
  fi
}
case $part in
  interfaces) section links ip -d -o link; section addresses ip -o addr ;;
  routes) section routes ip -4 route show table all; section routes6 ip -6 route show table all ;;
  route_to) command -v ip >/dev/null 2>&1 || { section route-get ip; exit 0; }
    section route-get shell route_asked "$@" ;;
  forwarded) command -v ip >/dev/null 2>&1 || { section route-get ip; exit 0; }
    section route-get shell forwarded_asked "$@" ;;
  neighbours) section neighbours ip neigh ;;
  rules) section rules ip -4 rule; section rules6 ip -6 rule ;;
  sysctl) section settings shell settings_read "$@" ;;
  conntrack) section conntrack shell connections_of "$@" ;;
  proxy_rules | firewall)
    if [ "$1" = ipv6 ]; then section iptables ip6tables-save -c; section iptables-legacy ip6tables-legacy-save -c
    else section iptables iptables-save -c; section iptables-legacy iptables-legacy-save -c; fi
    section nft nft list ruleset
    if [ "$part" = firewall ]; then section addresses ip -o addr; else section ipvs ipvsadm -Sn; fi ;;
  sockets) section sockets ss -Hltn; section datagram-sockets ss -Hlun ;;
  counters) section counters cat /proc/self/net/snmp /proc/self/net/netstat
    section counters6 cat /proc/self/net/snmp6
    section devices cat /proc/self/net/dev ;;
esac
true
