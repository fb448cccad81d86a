. "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"
# ipp NAME SPEC, netset NAME LABELS SPEC, felixconf NAME SPEC, bgpconf SPEC: objects of Calico's own; SPEC and LABELS are YAML's flow style
ipp() { printf 'apiVersion: crd.projectcalico.org/v1\nkind: IPPool\nmetadata: {name: %s}\nspec: %s\n' "$1" "$2" | k apply -f - >/dev/null; }
netset() { printf 'apiVersion: crd.projectcalico.org/v1\nkind: GlobalNetworkSet\nmetadata: {name: %s, labels: %s}\nspec: %s\n' "$1" "$2" "$3" | k apply -f - >/dev/null; }
felixconf() { printf 'apiVersion: crd.projectcalico.org/v1\nkind: FelixConfiguration\nmetadata: {name: %s}\nspec: %s\n' "$1" "$2" | k apply -f - >/dev/null; }
bgpconf() { printf 'apiVersion: crd.projectcalico.org/v1\nkind: BGPConfiguration\nmetadata: {name: default}\nspec: %s\n' "$1" | k apply -f - >/dev/null; }
# pool_gone NAME PREFIX: an IPPool away, and the blocks of /26 whose names begin with PREFIX (10-90-0-)
pool_gone() { local o; gone ippools.crd.projectcalico.org "$1"; for o in $(k get ipamblocks.crd.projectcalico.org,blockaffinities.crd.projectcalico.org -o name | grep -e "$2"); do gone "$o"; done; true; }

# felixset JSON: fields of FelixConfiguration default (null takes one back); Felix starts again when one of them needs it
felixset() { k patch felixconfigurations.crd.projectcalico.org default --type=merge -p "{\"spec\":$1}" >/dev/null; }
# netcond True|False REASON MESSAGE: the condition NetworkUnavailable of n1, n2 and n3, as calico-node writes it
netcond() { local n; for n in n1 n2 n3; do k patch node $n --subresource=status --type=strategic -p "{\"status\":{\"conditions\":[{\"type\":\"NetworkUnavailable\",\"status\":\"$1\",\"reason\":\"$2\",\"message\":\"$3\"}]}}" >/dev/null; done; }
# answers: wait until both clients are answered eight times in a row (at most 90 s)
answers() { local n i ok; for n in $(seq 30); do ok=1; for i in 1 2 3 4 5 6 7 8; do for c in c1 c2; do lab in $c curl -skm2 -o /dev/null https://$VIP/ || ok=; [ $ok ] || break 2; done; done; [ $ok ] && return; sleep 3; done; return 1; }
# routes_save, routes_back: the routes over mlb of the nodes
routes_save() { local n; for n in n0 n1 n2 n3; do lab in $n ip -4 route show dev mlb > /tmp/routes.$LAB.$n; done; }
routes_back() { local n r; for n in n0 n1 n2 n3; do for i in 1 2; do while read -r r; do lab in $n ip route replace $r dev mlb 2>/dev/null; done < <(sort -r /tmp/routes.$LAB.$n); done; done; true; }
# legacy_copy NODE: what Felix has in the filter table of the nft backend, into the legacy one, as a Felix of that backend would have left it
legacy_copy() { lab node "$1" sh -c "iptables-nft-save -t filter | grep -E '^[*]|^COMMIT|^:(INPUT|FORWARD|OUTPUT) |^:cali-|cali' | sort -s -k1,1.1 | awk '/^[*]/{a=\$0;next} /^COMMIT/{next} /^:/{c=c \$0 \"\\n\";next} {r=r \$0 \"\\n\"} END{printf \"%s\\n%s%sCOMMIT\\n\", a, c, r}' | iptables-legacy-restore"; }
