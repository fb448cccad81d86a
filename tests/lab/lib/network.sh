# One switch (sw) with two bridges, nodes on both, a client on the service network, a router, and a client behind it.
# Pods reach each other over a VXLAN overlay whose neighbours are all written down, as Calico does it.

# plug PLACE INTERFACE BRIDGE ADDRESS: a cable from a place to the switch; the switch's port is named PLACE-BRIDGE.
plug() {
  ip link add "$2" netns "$LAB-$1" type veth peer name "$1-$3" netns "$LAB-sw"
  ip -n "$LAB-sw" link set "$1-$3" master "$3" up
  ip -n "$LAB-$1" link set "$2" up
  ip -n "$LAB-$1" addr add "$4" dev "$2"
}

network() {
  local place
  for place in $(places); do
    ip netns add "$LAB-$place"
    ip -n "$LAB-$place" link set lo up
    # A new namespace inherits the machine's values, which may be anything.
    net "$place" sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.{all,default}.rp_filter=0
    # Places share one kernel, and a packet keeps its socket's hash on its way: a SYN that is sent again with a new one would take another
    # next hop at the router, as no router of metal lets it.
    net "$place" sysctl -qw net.core.txrehash=0 2> /dev/null || true
  done
  for place in lan svc; do
    ip -n "$LAB-sw" link add "$place" type bridge
    ip -n "$LAB-sw" link set "$place" up
  done
  for place in $(nodes); do node_network "$place"; done

  plug ops eth0 lan "$(lan ops)/18"
  plug rt svc0 svc 10.88.64.1/24
  net rt sysctl -qw net.ipv4.ip_forward=1
  ip link add far0 netns "$LAB-rt" type veth peer name eth0 netns "$LAB-c2"
  ip -n "$LAB-rt" addr add 10.88.192.1/24 dev far0
  ip -n "$LAB-rt" link set far0 up
  ip -n "$LAB-c2" addr add 10.88.192.50/24 dev eth0
  ip -n "$LAB-c2" link set eth0 up
  ip -n "$LAB-c2" route add default via 10.88.192.1
  plug c1 eth0 svc 10.88.64.50/24
  ip -n "$LAB-c1" route add default via 10.88.64.1

  # The second leg of the clients is for SSH alone: each leg answers ARP for its own address only, and nothing is forwarded between them.
  for place in "${clients[@]}"; do
    net "$place" sysctl -qw net.ipv4.conf.{all,default}.arp_ignore=1
    plug "$place" mgmt lan "$(lan "$place")/18"
  done
  ! speaks_bgp || router_network
  ! dual || network6
}

# The same once more in IPv6, without waiting for anybody to object to an address. SSH stays with IPv4.
network6() {
  local place other
  for place in rt $(nodes); do net "$place" sysctl -qw net.ipv6.conf.all.forwarding=1; done
  address6 rt svc0 fd10:88:64::1/64
  address6 rt far0 fd10:88:192::1/64
  address6 c1 eth0 fd10:88:64::50/64
  address6 c2 eth0 fd10:88:192::50/64
  ip -n "$LAB-c1" -6 route add default via fd10:88:64::1
  ip -n "$LAB-c2" -6 route add default via fd10:88:192::1
  net rt sysctl -qw net.ipv6.fib_multipath_hash_policy=1
  ! speaks_bgp || net c1 sysctl -qw net.ipv6.conf.{all,default,eth0}.accept_redirects=0
  for place in $(nodes); do
    address6 "$place" eth0 "$(lan6 "$place")/64"
    address6 "$place" mlb "$(svc6 "$place")/64"
    address6 "$place" vxlan.calico "$(pods6 "$place")::ffff/128"
    ip -n "$LAB-$place" -6 route add default via fd10:88:64::1 dev mlb
    for other in $(nodes); do
      [ "$other" != "$place" ] || continue
      ip -n "$LAB-$place" -6 route add "$(pods6 "$other")::ffff/128" dev vxlan.calico
      ip -n "$LAB-$place" -6 route add "$(pods6 "$other")::/64" via "$(pods6 "$other")::ffff" dev vxlan.calico onlink
      ip -n "$LAB-$place" neigh replace "$(pods6 "$other")::ffff" lladdr "$(vtep "$other")" dev vxlan.calico nud permanent
    done
  done
}

address6() { ip -n "$LAB-$1" addr add "$3" dev "$2" nodad; } # PLACE INTERFACE ADDRESS

node_network() {
  local node=$1
  plug "$node" eth0 lan "$(lan "$node")/18"
  plug "$node" mlb svc "$(svc "$node")/24"
  net "$node" sysctl -qw net.ipv4.ip_forward=1
  ip -n "$LAB-$node" route add default via 10.88.64.1
  # Felix makes the overlay itself.
  calico || overlay "$node"
}

overlay() {
  local node=$1 other
  ip -n "$LAB-$node" link add vxlan.calico type vxlan id 4096 dstport 4789 local "$(lan "$node")" dev eth0 nolearning
  ip -n "$LAB-$node" link set vxlan.calico address "$(vtep "$node")" mtu 1450 up
  ip -n "$LAB-$node" addr add "$(pods "$node").255/32" dev vxlan.calico
  for other in $(nodes); do
    [ "$other" != "$node" ] || continue
    ip -n "$LAB-$node" route add "$(pods "$other").0/24" via "$(pods "$other").255" dev vxlan.calico onlink
    ip -n "$LAB-$node" neigh replace "$(pods "$other").255" lladdr "$(vtep "$other")" dev vxlan.calico nud permanent
    bridge -n "$LAB-$node" fdb replace "$(vtep "$other")" dev vxlan.calico dst "$(lan "$other")"
  done
}

# The two ports of a node on the switch. Without a process the namespace's kernel part would go on forwarding, so a node that is off goes dark.
ports() {
  local bridge
  for bridge in lan svc; do ip -n "$LAB-sw" link set "$1-$bridge" "$2" 2> /dev/null || true; done
}
