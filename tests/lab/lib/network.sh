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
}

node_network() {
  local node=$1 other
  plug "$node" eth0 lan "$(lan "$node")/18"
  plug "$node" mlb svc "$(svc "$node")/24"
  net "$node" sysctl -qw net.ipv4.ip_forward=1
  ip -n "$LAB-$node" link add vxlan.calico type vxlan id 4096 dstport 4789 local "$(lan "$node")" dev eth0 nolearning
  ip -n "$LAB-$node" link set vxlan.calico address "$(vtep "$node")" mtu 1450 up
  ip -n "$LAB-$node" addr add "$(pods "$node").255/32" dev vxlan.calico
  ip -n "$LAB-$node" route add default via 10.88.64.1
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
