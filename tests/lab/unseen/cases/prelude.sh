# What these situations need besides the helpers of the usual faults.
. "$(dirname "${BASH_SOURCE[0]}")/../../faults/prelude.sh"
# --- of these cases
# firewalld_table NODE EXTRA-INPUT EXTRA-FORWARD: the table that firewalld 1.x makes, in its shape: established, DNATed and lo pass, the rest by zones, then a reject
firewalld_table() { lab node "$1" nft -f - << N
table inet firewalld {
 chain filter_INPUT { type filter hook input priority filter + 10; policy accept; ct state { established, related } accept; ct status dnat accept; iifname "lo" accept; ct state invalid drop; jump filter_INPUT_ZONES; reject with icmpx admin-prohibited; }
 chain filter_FORWARD { type filter hook forward priority filter + 10; policy accept; ct state { established, related } accept; ct status dnat accept; iifname "lo" accept; ct state invalid drop; jump filter_FORWARD_ZONES; reject with icmpx admin-prohibited; }
 chain filter_OUTPUT { type filter hook output priority filter + 10; policy accept; ct state { established, related } accept; oifname "lo" accept; }
 chain filter_INPUT_ZONES { iifname "cni0" goto filter_IN_trusted; iifname "vxlan.calico" goto filter_IN_trusted; goto filter_IN_public; }
 chain filter_FORWARD_ZONES { iifname "cni0" goto filter_FWD_trusted; iifname "vxlan.calico" goto filter_FWD_trusted; goto filter_FWD_public; }
 chain filter_IN_trusted { accept; }
 chain filter_FWD_trusted { accept; }
 chain filter_IN_public { jump filter_IN_public_allow; meta l4proto { icmp, ipv6-icmp } accept; }
 chain filter_IN_public_allow { tcp dport 22 accept; tcp dport { 10250, 6443, 2379-2380, 7946, 7472, 9443, 179, 30000-32767 } accept; udp dport 7946 accept; $2 }
 chain filter_FWD_public { jump filter_FWD_public_allow; }
 chain filter_FWD_public_allow { $3 }
}
N
}
firewalld_off() { lab node "$1" nft delete table inet firewalld; }
asker() { k apply -f - <<< '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"asker","namespace":"stacklight"},"spec":{"nodeName":"'$1'","terminationGracePeriodSeconds":1,"containers":[{"name":"asker","image":"lab.local/app:1","imagePullPolicy":"IfNotPresent","args":["-listen",":4180"]}]}}'; s wait --for=condition=Ready pod/asker --timeout=60s; }
# proxy_restart NODE: kube-proxy starts anew (its keeper starts it again)
proxy_restart() { procs "$1" TERM kube-proxy; sleep 4; }
local_policy() { s patch svc $SVC -p '{"spec":{"externalTrafficPolicy":"Local"}}'; sleep 3; cold; ANN2=$(lab in c1 arping -c 1 -w 1 -I eth0 $VIP | grep -oi '[0-9a-f:]\{17\}' | head -1); }
cluster_policy() { s patch svc $SVC -p '{"spec":{"externalTrafficPolicy":"Cluster"}}'; sleep 2; cold; }
