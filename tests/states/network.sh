# Makes a network of its own and runs what follows in it: `unshare --net sh network.sh COMMAND…`. It ends with that namespace.
set -e
ip link set lo up
ip link add veth0 type veth peer name veth1
ip link set veth0 up mtu 1400
ip link set veth1 up
ip addr add 10.77.0.1/24 dev veth0
ip addr add 10.77.0.100/32 dev veth0
ip route add 10.78.0.0/24 via 10.77.0.9 dev veth0 metric 7
ip route add blackhole 10.79.0.0/24
ip rule add fwmark 5 lookup 100
ip route add default via 10.77.0.8 dev veth0 table 100
ip neigh add 10.77.0.9 lladdr 02:00:00:00:00:09 dev veth0 nud permanent
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 2 > /proc/sys/net/ipv4/conf/veth0/rp_filter
iptables -t raw -A PREROUTING -s 10.80.0.0/16 -i veth0 -j DROP
iptables -A OUTPUT -p tcp --dport 25 -j REJECT
iptables -t nat -N KUBE-SERVICES
iptables -t nat -N KUBE-SVC-A
iptables -t nat -N KUBE-SEP-A
iptables -t nat -A PREROUTING -j KUBE-SERVICES
iptables -t nat -A OUTPUT -j KUBE-SERVICES
iptables -t nat -A KUBE-SERVICES -d 10.77.0.100/32 -p tcp -m tcp --dport 443 -j KUBE-SVC-A
iptables -t nat -A KUBE-SVC-A -j KUBE-SEP-A
iptables -t nat -A KUBE-SEP-A -p tcp -m tcp -j DNAT --to-destination 10.77.0.1:4180
nft -f - <<'END'
table inet guard {
  set blocked {
    type ipv4_addr
    flags interval
    elements = { 10.82.0.0/16, 10.83.0.1 comment "this, and that", 10.83.1.0-10.83.1.9 }
  }
  map ports {
    type ipv4_addr . inet_proto . inet_service : verdict
    elements = { 10.77.0.100 . tcp . 25 comment "web/mail:smtp" : goto refuse, 10.77.0.100 . tcp . 26 : accept,
      10.77.0.101 . udp . 53 : drop, 10.77.0.102 . udp . 53 : drop, 10.77.0.103 . udp . 53 : drop, 10.77.0.104 . udp . 53 : drop }
  }
  chain in {
    type filter hook prerouting priority raw + 5; policy accept;
    ip saddr @blocked counter drop comment "not them"
    meta mark 0x00000007 log prefix "marked, so " drop
    ct state new jump late
    ip daddr . meta l4proto . th dport vmap @ports
  }
  chain late {
    iifname "veth0" tcp dport { 8080, 9000-9009 } reject with tcp reset
  }
  chain refuse {
    reject
  }
}
END
python3 - "$@" <<'END'
import socket, subprocess, sys
here = socket.create_server(("10.77.0.1", 4180), backlog=9)
held = socket.create_connection(("10.77.0.100", 443), timeout=5)
sys.exit(subprocess.run(sys.argv[1:]).returncode)
END
