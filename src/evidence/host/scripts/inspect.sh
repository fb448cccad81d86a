# Prints the network state of a place. $1 $2 $3 name the place (see namespace.sh), $4 an address (or nothing) to which the way is
# wanted, and whose connections are, and every further argument is a question to the kernel's routing: DESTINATION,SOURCE,INTERFACE
# (the last two may be empty). Of the connections, which are endless at a busy address, only those are printed whose client
# is one of the destinations.
# What a section is, `section.sh` tells.
enter_place "$1" "$2" "$3"
about=$4
shift 4
routes_asked() {
  for question in "$@"; do
    # The parts hold no white space, so that the shell's own splitting is safe once the comma is the separator.
    old=$IFS; IFS=,; set -f; set -- $question; set +f; IFS=$old
    if [ -n "${3:-}" ]; then answer=$($IN ip route get "$1" from "$2" iif "$3" 2>&1 | head -n 2)
    elif [ -n "${2:-}" ]; then answer=$($IN ip route get "$1" from "$2" 2>&1 | head -n 2)
    else answer=$($IN ip route get "$1" 2>&1 | head -n 2); fi
    printf '%s => %s\n' "$question" "$(printf '%s' "$answer" | tr '\n' ' ')"
  done
}
way_to_address() { [ -z "$about" ] || $IN ip route get "$about" 2>&1 | head -n 2 | tr '\n' ' '; }
kernel_settings() {
  $IN sh -c 'for f in /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding /proc/sys/net/ipv4/conf/*/rp_filter /proc/sys/net/ipv4/conf/*/forwarding /proc/sys/net/ipv4/conf/*/arp_ignore /proc/sys/net/netfilter/nf_conntrack_count /proc/sys/net/netfilter/nf_conntrack_max; do
    [ -r "$f" ] && printf "%s = %s\n" "${f#/proc/sys/}" "$(cat "$f")"; done; true'
}
counters() { $IN cat /proc/self/net/snmp /proc/self/net/netstat; }
ipsec() { # what it dropped, and its policies; keys are in neither
  [ ! -r /proc/self/net/xfrm_stat ] || $IN cat /proc/self/net/xfrm_stat
  $IN ip xfrm policy 2>/dev/null | head -n 2000
}
tc_filters() { # of the interfaces that have a place for them
  $IN tc qdisc show 2>/dev/null | sed -n 's/^qdisc \(ingress\|clsact\) .* dev \([^ ]*\) .*/\2/p' | sort -u | head -n 50 | while read -r name; do
    for way in ingress egress; do printf 'at %s %s\n' "$name" "$way"; $IN tc filter show dev "$name" "$way" 2>/dev/null | head -n 200; done
  done
}
old_ebtables() { # nftables does not show these; a table whose module is not loaded has no rules, and asking for it would load it
  for table in broute nat filter; do
    grep -q "^ebtable_$table " /proc/modules || continue
    $IN ebtables-legacy -t "$table" -L || return 1
  done
}
processes() { # the few whose state matters, with the letter that the kernel gives it
  for p in /proc/[0-9]*; do
    read -r name <"$p/comm" 2>/dev/null || continue
    case $name in kube-proxy | kubelet | speaker | calico-node | cilium-agent | flanneld | kube-router)
      printf '%s %s\n' "$name" "$(sed 's/^.*) //; s/ .*//' "$p/stat" 2>/dev/null)" ;;
    esac
  done
}
connections() {
  [ -n "$about" ] && command -v conntrack >/dev/null 2>&1 || return 0
  # One pattern a line; the original direction comes first, so that the client is the first source.
  clients=$(for question in "$@"; do printf ' src=%s dst=%s \n' "${question%%,*}" "$about"; done)
  [ -z "$clients" ] || $IN conntrack -L -d "$about" 2>/dev/null | grep -F -e "$clients" | head -n 1000
}
section links ip -d -o link
section addresses ip -o addr
section rules ip rule
section routes ip route show table all
section neighbours ip neigh
section fdb bridge fdb show
section settings shell kernel_settings
section route-get shell routes_asked "$@"
section route-to-address shell way_to_address
section sockets ss -Hltn
section datagram-sockets ss -Hlun
# Only a node that speaks BGP has any of these. To root the kernel tells the keys of signed connections too, and ss prints them: they must
# never leave the host, so it is asked as nobody.
section bgp-sockets setpriv --reuid=65534 --regid=65534 --clear-groups ss -Htnoi state all '( sport = :179 or dport = :179 )'
section counters shell counters
section traffic-control tc -s qdisc show
section tc-filters shell tc_filters
section ipsec shell ipsec
section iptables iptables-save -c
section iptables-legacy iptables-legacy-save -c
section ip6tables ip6tables-save -c
section nft nft list ruleset
section hooks nft list hooks
section ebtables shell old_ebtables
section conntrack shell connections "$@"
[ "$IN" ] || section processes shell processes
true
