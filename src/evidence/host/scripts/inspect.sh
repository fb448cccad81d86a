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
  $IN sh -c 'for f in /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/ip_default_ttl /proc/sys/net/ipv6/conf/all/forwarding /proc/sys/net/ipv4/conf/*/rp_filter /proc/sys/net/ipv4/conf/*/forwarding /proc/sys/net/ipv4/conf/*/arp_ignore /proc/sys/net/netfilter/nf_conntrack_count /proc/sys/net/netfilter/nf_conntrack_max /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_* /proc/sys/net/netfilter/nf_conntrack_udp_timeout*; do
    [ -r "$f" ] && printf "%s = %s\n" "${f#/proc/sys/}" "$(cat "$f")"; done
    for f in /proc/sys/net/bridge/bridge-nf-call-iptables /proc/sys/net/bridge/bridge-nf-call-ip6tables; do
      if [ -r "$f" ]; then printf "%s = %s\n" "${f#/proc/sys/}" "$(cat "$f")"; else printf "%s = absent\n" "${f#/proc/sys/}"; fi; done'
}
counters() { # a line of names and one of values each; what the connection table counted is summed over the processors
  $IN cat /proc/self/net/snmp /proc/self/net/netstat || return 1
  $IN cat /proc/self/net/stat/nf_conntrack 2>/dev/null | awk '
    function hex(text, n, i) { n = 0; for (i = 1; i <= length(text); i++) n = n * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1; return n }
    NR == 1 { for (i = 1; i <= NF; i++) name[i] = $i; fields = NF; next }
    { for (i = 1; i <= fields; i++) sum[i] += hex($i) }
    END {
      if (!fields) exit
      printf "Conntrack:"; for (i = 1; i <= fields; i++) printf " %s", name[i]
      printf "\nConntrack:"; for (i = 1; i <= fields; i++) printf " %.0f", sum[i]
      print ""
    }'
}
ipsec() { # what it dropped, and its policies; keys are in neither
  [ ! -r /proc/self/net/xfrm_stat ] || $IN cat /proc/self/net/xfrm_stat
  if ! policies=$($IN ip xfrm policy 2>&1); then
    # A kernel that was built without it has none.
    case $policies in *'not supported'*) return 0 ;; esac
    printf '%s\n' "$policies"
    return 1
  fi
  whole "$policies" 20000
}
whole() { # TEXT LINES: the text, or that it has more lines than are told
  lines=$(printf '%s\n' "$1" | wc -l)
  [ "$lines" -le "$2" ] || { printf 'it has %s lines, more than are told\n' "$lines"; return 1; }
  printf '%s\n' "$1"
}
tc_filters() { # of the interfaces that have a place for them
  queues=$($IN tc qdisc show 2>&1) || { printf '%s\n' "$queues"; return 1; }
  failed=0
  # The names hold no white space; what they do hold is kept from the shell's patterns.
  set -f
  for place in $(printf '%s\n' "$queues" | sed -n 's/^qdisc \(ingress\|clsact\) .* dev \([^ ]*\) .*/\1:\2/p' | sort -u); do
    name=${place#*:}
    [ "${place%%:*}" = clsact ] && ways='ingress egress' || ways=ingress
    for way in $ways; do
      printf 'at %s %s\n' "$name" "$way"
      if filters=$($IN tc -s filter show dev "$name" "$way" 2>&1); then
        whole "$filters" 2000 || failed=1
      elif $IN ip link show dev "$name" >/dev/null 2>&1; then
        printf '%s\n' "$filters"
        failed=1
      fi
    done
  done
  set +f
  return "$failed"
}
tc_classes() { # of the interfaces whose queues have any; only these tell the rates of such a queue
  queues=$($IN tc qdisc show 2>&1) || { printf '%s\n' "$queues"; return 1; }
  failed=0
  set -f
  for name in $(printf '%s\n' "$queues" | sed -n 's/^qdisc \(htb\|hfsc\|cbq\|drr\|qfq\|ets\) .* dev \([^ ]*\) .*/\2/p' | sort -u); do
    printf 'at %s\n' "$name"
    if classes=$($IN tc -s class show dev "$name" 2>&1); then
      whole "$classes" 2000 || failed=1
    elif $IN ip link show dev "$name" >/dev/null 2>&1; then
      printf '%s\n' "$classes"
      failed=1
    fi
  done
  set +f
  return "$failed"
}
old_ebtables() { # nftables does not show these; a table whose module is not loaded has no rules, and asking for it would load it
  for table in broute nat filter; do
    grep -q "^ebtable_$table " /proc/modules || continue
    $IN ebtables-legacy -t "$table" -L --Lc || return 1
  done
}
ipvs_table() { # a kernel that has not loaded it has none
  $IN test -r /proc/self/net/ip_vs || return 0
  whole "$($IN cat /proc/self/net/ip_vs)" 20000
}
processes() { # the few whose state matters, with the letter that the kernel gives it and their number
  for p in /proc/[0-9]*; do
    read -r name <"$p/comm" 2>/dev/null || continue
    case $name in kube-proxy | k3s | k3s-server | k3s-agent | kubelite | kubesolo | kubelet | speaker | calico-node | cilium-agent | antrea-agent | ovnkube | flanneld | kube-router)
      printf '%s %s %s\n' "$name" "$(sed 's/^.*) //; s/ .*//' "$p/stat" 2>/dev/null)" "${p#/proc/}" ;;
    esac
  done
}
connections() { # what cannot be read is no empty table, and what is cut is not told as whole
  [ -n "$about" ] || return 0
  # One pattern a line; the original direction comes first, so that the client is the first source.
  clients=$(for question in "$@"; do printf ' src=%s dst=%s \n' "${question%%,*}" "$about"; done)
  [ -n "$clients" ] || return 0
  command -v conntrack >/dev/null 2>&1 || { printf 'conntrack is not installed there\n'; return 1; }
  # Of the entries it is not told whether reading them failed, so their count is asked first.
  count=$($IN conntrack -C 2>&1) || { printf '%s\n' "$count"; return 1; }
  whole "$($IN conntrack -L -d "$about" 2>/dev/null | grep -F -e "$clients")" 20000
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
section tc-classes shell tc_classes
section tc-filters shell tc_filters
section ipsec shell ipsec
section iptables iptables-save -c
section iptables-legacy iptables-legacy-save -c
section ip6tables ip6tables-save -c
section nft nft list ruleset
section hooks nft list hooks
section ipvs-table shell ipvs_table
section ebtables shell old_ebtables
section conntrack shell connections "$@"
[ "$IN" ] || section processes shell processes
true
