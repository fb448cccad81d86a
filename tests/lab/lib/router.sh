# The router as a machine that speaks BGP: FRR from Debian in the place rt, AS 64512; the nodes' speakers are AS 64500.
#
# Its files and sockets lie where Debian puts them, so that plain `vtysh` works there, and over SSH from ops.

# A leg for SSH from ops, and from nobody else: the router must not lead anybody into the cluster network.
router_network() {
  plug rt mgmt lan "$(lan rt)/32"
  ip -n "$LAB-rt" route add "$(lan ops)/32" dev mgmt
  net rt sysctl -qw net.ipv4.conf.mgmt.forwarding=0 net.ipv4.conf.mgmt.arp_ignore=1
  # Flows, not pairs of addresses, spread over several next hops.
  net rt sysctl -qw net.ipv4.fib_multipath_hash_policy=1
  # The nodes are on c1's own network, so the router tells c1 of a shorter way: c1 would keep to that one node for minutes.
  net c1 sysctl -qw net.ipv4.conf.{all,default,eth0}.accept_redirects=0
}

router_main() {
  local daemon
  router_files
  keep sshd /usr/sbin/sshd -D -e
  for daemon in zebra bgpd; do keep $daemon /usr/lib/frr/$daemon -f /etc/frr/$daemon.conf -P 0 -u frr -g frr; done
  wait
}

router_files() {
  install -d -o frr -g frr /run/frr /etc/frr
  # Reading needs no root, as on most routers.
  usermod --append --groups frrvty ops
  echo 'no service integrated-vtysh-config' > /etc/frr/vtysh.conf
  printf '%s\n' 'hostname rt' 'log file /var/log/frr-zebra.log' > /etc/frr/zebra.conf
  router_config > /etc/frr/bgpd.conf
  chown frr:frr /etc/frr/*.conf
  chmod 640 /etc/frr/*.conf
  install -m 666 /dev/null /var/log/frr-zebra.log
  install -m 666 /dev/null /var/log/frr-bgpd.log
}

# The speakers are not named: whoever of the service network speaks for AS 64500 may connect. Each family has sessions of its own.
router_config() {
  cat << END
hostname rt
log file /var/log/frr-bgpd.log informational
log timestamp precision 3
router bgp 64512
 bgp router-id 10.88.64.1
 no bgp default ipv4-unicast
 no bgp ebgp-requires-policy
 bgp bestpath as-path multipath-relax
 bgp log-neighbor-changes
$(peer_group nodes 10.88.64.0/24)
$(! dual || peer_group nodes6 fd10:88:64::/64)
$(family ipv4 nodes)
$(! dual || family ipv6 nodes6)
END
}
peer_group() { # NAME NETWORK
  printf ' %s\n' "neighbor $1 peer-group" "neighbor $1 remote-as 64500" "neighbor $1 timers 3 9" "bgp listen range $2 peer-group $1"
}
family() { # FAMILY GROUP
  printf ' %s\n' "address-family $1 unicast" " neighbor $2 activate" " neighbor $2 soft-reconfiguration inbound" ' maximum-paths 8' exit-address-family
}

# Gives the Services of web their pool, advertisement and peers, and says where they answer once every candidate's route is there.
announce_over_bgp() {
  local host address addresses=("$BGP_ADDRESS")
  until_ 60 "MetalLB to take its peer" kubectl apply -f "$here/bgp.yaml"
  if routes_six; then
    addresses+=("$BGP_ADDRESS6")
    until_ 60 "MetalLB to take its second peer" kubectl apply -f "$here/bgp6.yaml"
  fi
  waits -n web rollout status deploy/web
  for address in "${addresses[@]}"; do
    until_ 60 "a route to $address from each node" has_next_hops "$address"
    for host in "${clients[@]}"; do until_ 60 "an answer to $host over BGP" net "$host" curl -skm1 "$(url "$address")"; done
  done
  echo "lab $LAB speaks BGP: Service web/bgp answers at $(url "$BGP_ADDRESS")"
  ! routes_six || echo "lab $LAB speaks BGP: Service web/bgp6 answers at $(url "$BGP_ADDRESS6")"
}

url() { case $1 in *:*) echo "https://[$1]/" ;; *) echo "https://$1/" ;; esac; }

# Every node but n0, which is excluded by its label; MetalLB v0.13 ignores that.
has_next_hops() {
  local count
  count=$(ip -n "$LAB-rt" -d route get fibmatch "$1" | grep -oc 'via ')
  [ "$count" -ge $((LAB_NODES - 1)) ]
}
