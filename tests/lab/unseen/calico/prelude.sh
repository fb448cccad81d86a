. "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"
# ipp NAME SPEC, netset NAME LABELS SPEC, felixconf NAME SPEC, bgpconf SPEC: objects of Calico's own; SPEC and LABELS are YAML's flow style
ipp() { printf 'apiVersion: crd.projectcalico.org/v1\nkind: IPPool\nmetadata: {name: %s}\nspec: %s\n' "$1" "$2" | k apply -f - >/dev/null; }
netset() { printf 'apiVersion: crd.projectcalico.org/v1\nkind: GlobalNetworkSet\nmetadata: {name: %s, labels: %s}\nspec: %s\n' "$1" "$2" "$3" | k apply -f - >/dev/null; }
felixconf() { printf 'apiVersion: crd.projectcalico.org/v1\nkind: FelixConfiguration\nmetadata: {name: %s}\nspec: %s\n' "$1" "$2" | k apply -f - >/dev/null; }
bgpconf() { printf 'apiVersion: crd.projectcalico.org/v1\nkind: BGPConfiguration\nmetadata: {name: default}\nspec: %s\n' "$1" | k apply -f - >/dev/null; }
# pool_gone NAME PREFIX: an IPPool away, and the blocks of /26 whose names begin with PREFIX (10-90-0-)
pool_gone() { local o; gone ippools.crd.projectcalico.org "$1"; for o in $(k get ipamblocks.crd.projectcalico.org,blockaffinities.crd.projectcalico.org -o name | grep -e "$2"); do gone "$o"; done; true; }

