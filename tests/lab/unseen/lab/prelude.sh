. "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"
# barepod NAME NODE: a pod that nobody owns and that the Service's selector takes
barepod() { k apply -f - <<< '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"'$1'","namespace":"stacklight","labels":{"app":"iam-proxy-alertmanager"}},"spec":{"nodeName":"'$2'","terminationGracePeriodSeconds":1,"containers":[{"name":"iam-proxy","image":"lab.local/app:1","imagePullPolicy":"IfNotPresent","args":["-listen",":4180"],"ports":[{"name":"https","containerPort":4180}]}]}}' && s wait --for=condition=Ready pod/$1 --timeout=60s; }
# macvlan_up, macvlan_down: the nodes' address of the service network lives on svc1, a macvlan over mlb, and is announced there
macvlan_up() { local n; for n in n1 n2 n3; do lab node $n sh -c 'a=$(ip -o -4 addr show mlb | sed "s/.*inet \([^ ]*\).*/\1/"); ip addr del $a dev mlb; ip link add svc1 link mlb type macvlan mode bridge; ip link set svc1 up; ip addr add $a dev svc1; ip route replace default via 10.88.64.1 dev svc1'; done
  sleep 12; l2adv '{"interfaces":["svc1"]}'; sleep 4; cold; }
macvlan_down() { local n; for n in n1 n2 n3; do lab node $n sh -c 'a=$(ip -o -4 addr show svc1 | sed "s/.*inet \([^ ]*\).*/\1/"); ip link del svc1; ip addr add $a dev mlb; ip route replace default via 10.88.64.1 dev mlb'; done
  l2adv '{"interfaces":["mlb"]}'; sleep 12; cold; }

