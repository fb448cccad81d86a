# The places of a lab, their names and their addresses. A place is a network namespace "$LAB-PLACE".
#
# Everything that is made or removed goes by these exact names, never by a prefix: LAB=a and LAB=a-b are strangers.

clients=(c1 c2)
nodes() { seq -f 'n%.0f' 0 $((LAB_NODES - 1)); }
places() { echo sw rt ops "${clients[@]}" && nodes; }
# Every place that any lab of this name may have had, whatever its settings were.
all_places() { echo sw rt ops "${clients[@]}" n{0..7}; }

# grep reads to the end: one that stops early would break the pipe of those who still write.
is_node() { nodes | grep -xF -- "$1" > /dev/null; }
is_client() { case $1 in c1 | c2) ;; *) return 1 ;; esac; }
speaks_bgp() { [ "$LAB_BGP" != none ]; }
# A machine has processes and files of its own, and SSH; the other places are networks only. The router is one when it has a daemon.
machines() {
  nodes
  printf '%s\n' "${clients[@]}"
  ! speaks_bgp || echo rt
}
is_machine() { machines | grep -xF -- "$1" > /dev/null; }
is_place() { case $1 in sw | rt | ops | c1 | c2) ;; *) is_node "$1" ;; esac; }

number() { echo "${1#n}"; }
lan() { # address on the cluster network
  case $1 in
    n*) echo "10.88.0.$((10 + $(number "$1")))" ;;
    ops) echo 10.88.0.200 ;;
    c1) echo 10.88.0.201 ;;
    c2) echo 10.88.0.202 ;;
    rt) echo 10.88.0.203 ;;
  esac
}
svc() { echo "10.88.64.$((10 + $(number "$1")))"; }  # a node's address on the service network
pods() { echo "10.88.$((128 + $(number "$1")))"; }   # a node's pod network, a /24, without its last number
vtep() { echo "66:00:00:00:00:0$(number "$1")"; }    # the MAC of a node's end of the overlay

# The same in IPv6, in a lab with both families. Digits are written as they are in IPv4, so that they are found again.
dual() { [ "$LAB_STACK" = dual ]; }
# Native BGP carries IPv4 only.
routes_six() { [ "$LAB_BGP" = frr ] && dual; }
calico() { [ "$LAB_CNI" = calico ]; }
lan6() { echo "fd10:88::$((10 + $(number "$1")))"; }
svc6() { echo "fd10:88:64::$((10 + $(number "$1")))"; }
pods6() { echo "fd10:88:1$(number "$1")"; } # a /64, without what follows its third number

netns() { echo "/run/netns/$LAB-$1"; }
net() { nsenter --net="$(netns "$1")" -- "${@:2}"; }

# MetalLB elects the node with the smallest sha256 of "node#address": for the pool's first address that is n2, among n0 to n7 and thus with any
# number of nodes (and in v0.13.12, which ignores the label that excludes n0). So one of the application's pods, on n2 and n3, is on the announcing node.
POOL=10.88.64.100-10.88.64.120
POOL6=fd10:88:64::100-fd10:88:64::120
# What is announced over BGP lies in no network of anybody: only the router knows the way.
BGP_ADDRESS=10.88.100.10
BGP_ADDRESS6=fd10:88:100::10
