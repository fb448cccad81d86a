# sourced once, while all is well, by the shell in which the lines of a fault run
NS=stacklight SVC=iam-proxy-alertmanager APP=iam-proxy-alertmanager
k() { lab kubectl "$@"; }
m() { lab kubectl -n metallb-system "$@"; }
s() { lab kubectl -n stacklight "$@"; }
# inpod POD CMD...: run CMD in the network namespace of a pod of stacklight
inpod() { local n ip; read -r n ip < <(s get pod "$1" -o jsonpath='{.spec.nodeName} {.status.podIP}{"\n"}'); shift
  lab node "$n" sh -c 'ip=$1; shift; for f in /run/netns/cni-*; do nsenter --net=$f ip -o -4 addr | grep -qw "$ip" && exec nsenter --net=$f "$@"; done; exit 99' _ "$ip" "$@"; }
# podkill SIGNAL POD: send a signal to the container's process (not to pause)
podkill() { local n u; read -r n u < <(s get pod "$2" -o jsonpath='{.spec.nodeName} {.metadata.uid}{"\n"}')
  lab node "$n" sh -c 'for p in /proc/[0-9]*; do grep -q "pod$2" $p/cgroup 2>/dev/null && ! grep -qx pause $p/comm && kill -$1 ${p#/proc/}; done; true' _ "$1" "$u"; }
# procs NODE SIGNAL NAME: signal the process NAME of a node
procs() { lab node "$1" sh -c 'for p in /proc/[0-9]*; do [ "$(cat $p/comm 2>/dev/null)" = "$2" ] && kill -$1 ${p#/proc/}; done; true' _ "$2" "$3"; }
# speaker NODE: name of the speaker pod on NODE
speaker() { m get pod -l component=speaker --field-selector spec.nodeName="$1" -o jsonpath='{.items[0].metadata.name}'; }
# cold: forget the address in the ARP caches of client and router
cold() { lab in c1 ip neigh flush to "$VIP" 2>/dev/null; lab in rt ip neigh flush to "$VIP" 2>/dev/null; true; }
mac() { lab node "$1" cat /sys/class/net/${2:-mlb}/address; }
rolled() { s rollout status deploy "$APP" --timeout=60s >/dev/null; }
app_args() { s patch deploy $APP --type=json -p "[{\"op\":\"replace\",\"path\":\"/spec/template/spec/containers/0/args\",\"value\":$1}]"; }
# svc2 NAME ANNOTATIONS-JSON SPEC-JSON: a second LoadBalancer Service before the same pods
svc2() { printf '{"apiVersion":"v1","kind":"Service","metadata":{"name":"%s","namespace":"stacklight","annotations":%s},"spec":%s}' "$1" "$2" "$3" |
  python3 -c 'import json,sys; d=json.load(sys.stdin); d["spec"]={**{"type":"LoadBalancer","selector":{"app":"iam-proxy-alertmanager"},"ports":[{"name":"https","port":443,"targetPort":"https"}]},**d["spec"]}; json.dump(d,sys.stdout)' | k apply -f -; }
pool() { m patch ipaddresspool services --type=merge -p "$1"; }
l2adv() { m patch l2advertisement services --type=merge -p "{\"spec\":$1}"; }
pools_back() { k apply -f - <<'Y'
{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"metallb.io/v1beta1","kind":"IPAddressPool","metadata":{"name":"services","namespace":"metallb-system"},"spec":{"addresses":["10.88.64.100-10.88.64.120"]}},
{"apiVersion":"metallb.io/v1beta1","kind":"L2Advertisement","metadata":{"name":"services","namespace":"metallb-system"},"spec":{"ipAddressPools":["services"],"interfaces":["mlb"]}}]}
Y
}
# app_set 'PYTHON': put the Deployment back as it was, changed by PYTHON (d = Deployment, t = pod template, p = pod spec, c = container), and wait
app_set() { python3 -c 'import json,sys
d=json.loads("""{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"iam-proxy-alertmanager","namespace":"stacklight"},"spec":{"replicas":2,"selector":{"matchLabels":{"app":"iam-proxy-alertmanager"}},"strategy":{"type":"Recreate"},"template":{"metadata":{"labels":{"app":"iam-proxy-alertmanager"}},"spec":{"terminationGracePeriodSeconds":2,"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"kubernetes.io/hostname","operator":"In","values":["n2","n3"]}]}]}}},"containers":[{"name":"iam-proxy","image":"lab.local/app:1","imagePullPolicy":"IfNotPresent","args":["-listen",":4180"],"ports":[{"name":"https","containerPort":4180}]}],"topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"kubernetes.io/hostname","whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"app":"iam-proxy-alertmanager"}}}]}}}}""")
t=d["spec"]["template"]; p=t["spec"]; c=p["containers"][0]
def on(*nodes): p["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"][0]["matchExpressions"][0]["values"]=list(nodes)
def python(src): # run a Python program of the machine in the pod, by hostPath
    p["volumes"]=[{"name":"usr","hostPath":{"path":"/usr"}}]; c["command"]=["/usr/bin/python3","-u","-c",src]; c.pop("args")
    c["volumeMounts"]=[{"name":"usr","mountPath":"/usr","readOnly":True},{"name":"usr","mountPath":"/lib","subPath":"lib","readOnly":True},{"name":"usr","mountPath":"/lib64","subPath":"lib64","readOnly":True}]
exec(sys.argv[1]); json.dump(d,sys.stdout)' "$1" | k replace -f - >/dev/null && if [ "${2:-wait}" = wait ]; then rolled; else sleep 3; fi; }
app_back() { app_set ''; }
# echo_up ARGS: a Deployment echo (one pod on n3, UDP port dns 5353) with a LoadBalancer Service 10.88.64.105:53/UDP
echo_up() { printf '{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"echo","namespace":"stacklight"},"spec":{"replicas":1,"selector":{"matchLabels":{"app":"echo"}},"template":{"metadata":{"labels":{"app":"echo"}},"spec":{"terminationGracePeriodSeconds":1,"nodeSelector":{"kubernetes.io/hostname":"n3"},"containers":[{"name":"echo","image":"lab.local/app:1","imagePullPolicy":"IfNotPresent","args":%s,"ports":[{"name":"https","containerPort":8080},{"name":"dns","containerPort":5353,"protocol":"UDP"}]}]}}}},{"apiVersion":"v1","kind":"Service","metadata":{"name":"echo","namespace":"stacklight","annotations":{"metallb.io/loadBalancerIPs":"10.88.64.105"}},"spec":{"type":"LoadBalancer","selector":{"app":"echo"},"ports":[{"name":"dns","port":53,"protocol":"UDP","targetPort":"dns"}]}}]}' "$1" | k apply -f - >/dev/null; s rollout status deploy echo --timeout=60s >/dev/null; sleep 2; }
echo_down() { s delete svc/echo deploy/echo --wait=true >/dev/null; }

# peer/bgpadv 'SPEC-JSON': change the BGPPeer rt or the BGPAdvertisement bgp of a lab that speaks BGP (null takes a field back)
peer() { m patch bgppeer rt --type=merge -p "{\"spec\":$1}" >/dev/null; }
bgpadv() { m patch bgpadvertisement bgp --type=merge -p "{\"spec\":$1}" >/dev/null; }
# routed: the router has a route to web/bgp over each of the nodes, N of them (3 by default), and both clients are answered
routed() { local n; for n in $(seq 60); do [ "$(lab in rt ip route show 10.88.100.10 | grep -oc 'via ')" -ge "${1:-3}" ] && lab in c2 curl -skm1 https://10.88.100.10/ >/dev/null && return; sleep 1; done; return 1; }
# listed: the router lists the sessions of all four nodes; one that comes in while it ends another works, and FRR may leave it out
listed() { local n; for n in 1 2 3 4 5; do [ "$(lab vtysh -c 'show bgp summary' | grep -c '^[*]10[.]88[.]64[.]1[0-3] ')" = 4 ] && return; lab vtysh -c 'clear bgp *'; sleep 8; done; return 1; }
# webpod NODE: the name of the pod of web on NODE; webkill SIGNAL NODE: a signal to its application
webpod() { k get pod -n web -l app=web --field-selector spec.nodeName="$1" -o jsonpath='{.items[0].metadata.name}'; }
webkill() { local u; u=$(k get pod -n web "$(webpod "$2")" -o jsonpath='{.metadata.uid}')
  lab node "$2" sh -c 'for p in /proc/[0-9]*; do grep -q "pod$2" $p/cgroup 2>/dev/null && ! grep -qx pause $p/comm && kill -$1 ${p#/proc/}; done; true' _ "$1" "$u"; }
# six_up: an IPv6-only Service `six` before the same pods, in a lab with both families; it has fd10:88:64::100, which n1 announces
six_up() { svc2 six '{}' '{"ipFamilies":["IPv6"],"ipFamilyPolicy":"SingleStack"}' && sleep 4; }
# cold6: forget its address in the neighbour tables of client and router
cold6() { lab in c1 ip neigh flush to fd10:88:64::100; lab in rt ip neigh flush to fd10:88:64::100; true; }

# For labs with LAB_CNI=calico.
# cali NODE ADDRESS: the node's end of a pod's link
cali() { lab in "$1" ip route get "$2" | grep -o 'dev cali[0-9a-f]*' | cut -d' ' -f2; }
# block NODE: the route to the pods of a node, as another node has it
block() { k get ipamblocks.crd.projectcalico.org -o jsonpath="{range .items[?(@.spec.affinity==\"host:$1\")]}{.spec.cidr}{\"\n\"}{end}" | head -1; }
# netpol NAME SPEC: a NetworkPolicy of stacklight; gnp, hep: Calico's own. SPEC is YAML's flow style.
netpol() { printf 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: %s, namespace: stacklight}\nspec: %s\n' "$1" "$2" | k apply -f - >/dev/null; }
gnp() { printf 'apiVersion: crd.projectcalico.org/v1\nkind: GlobalNetworkPolicy\nmetadata: {name: %s}\nspec: %s\n' "$1" "$2" | k apply -f - >/dev/null; }
cnp() { printf 'apiVersion: crd.projectcalico.org/v1\nkind: NetworkPolicy\nmetadata: {name: %s, namespace: stacklight}\nspec: %s\n' "$1" "$2" | k apply -f - >/dev/null; }
hep() { printf 'apiVersion: crd.projectcalico.org/v1\nkind: HostEndpoint\nmetadata: {name: %s, labels: {lab: hep}}\nspec: %s\n' "$1" "$2" | k apply -f - >/dev/null; }
gone() { k delete "$@" >/dev/null; }
ippool() { k patch ippools.crd.projectcalico.org default-ipv4-ippool --type=merge -p "{\"spec\":$1}" >/dev/null; }
# felix NODE SIGNAL: Felix (and the keeper of the tunnel's address)
felix() { procs "$1" "$2" calico-node; }

# --- of these situations
# app_http 'PYTHON': the pods run a small HTTP server of plain text on 4180; PYTHON is what it does with a request (s = the handler, NODE = the pod's node)
app_http() { local src="import socketserver, time, os
from http.server import BaseHTTPRequestHandler as B
NODE = os.environ.get('NODE', '')
class H(B):
 protocol_version = 'HTTP/1.1'
 def log_message(s, *a): pass
 def do_GET(s):
  $1
 do_POST = do_GET
class T(socketserver.ThreadingTCPServer):
 allow_reuse_address = True
 daemon_threads = True
T(('0.0.0.0', 4180), H).serve_forever()"
  app_set "c['env'] = [{'name': 'NODE', 'valueFrom': {'fieldRef': {'fieldPath': 'spec.nodeName'}}}]; python('''$src''')"; }
# ipp NAME SPEC, netset NAME LABELS SPEC, felixconf NAME SPEC, bgpconf SPEC: objects of Calico's own; SPEC and LABELS are YAML's flow style
ipp() { printf 'apiVersion: crd.projectcalico.org/v1\nkind: IPPool\nmetadata: {name: %s}\nspec: %s\n' "$1" "$2" | k apply -f - >/dev/null; }
netset() { printf 'apiVersion: crd.projectcalico.org/v1\nkind: GlobalNetworkSet\nmetadata: {name: %s, labels: %s}\nspec: %s\n' "$1" "$2" "$3" | k apply -f - >/dev/null; }
felixconf() { printf 'apiVersion: crd.projectcalico.org/v1\nkind: FelixConfiguration\nmetadata: {name: %s}\nspec: %s\n' "$1" "$2" | k apply -f - >/dev/null; }
bgpconf() { printf 'apiVersion: crd.projectcalico.org/v1\nkind: BGPConfiguration\nmetadata: {name: default}\nspec: %s\n' "$1" | k apply -f - >/dev/null; }
# pool_gone NAME PREFIX: an IPPool away, and the blocks of /26 whose names begin with PREFIX (10-90-0-)
pool_gone() { local o; gone ippools.crd.projectcalico.org "$1"; for o in $(k get ipamblocks.crd.projectcalico.org,blockaffinities.crd.projectcalico.org -o name | grep -e "$2"); do gone "$o"; done; true; }

VIP=$(s get svc $SVC -o jsonpath='{.status.loadBalancer.ingress[0].ip}')
ANN=none; MAC=$(lab in c1 arping -c 1 -w 1 -I eth0 $VIP | grep -oi '[0-9a-f:]\{17\}' | head -1 | tr A-F a-f); for n in n1 n2 n3; do [ "$(lab in $n ip -o link show mlb | grep -o '[0-9a-f:]\{17\}' | head -1)" = "$MAC" ] && ANN=$n; done
POD_ANN=$(s get pod -l app=$APP --field-selector spec.nodeName=$ANN -o jsonpath='{.items[0].metadata.name}')
FAR=$(s get pod -l app=$APP --field-selector spec.nodeName!=$ANN -o jsonpath='{.items[0].spec.nodeName}')
POD_FAR=$(s get pod -l app=$APP --field-selector spec.nodeName!=$ANN -o jsonpath='{.items[0].metadata.name}')
IP_ANN=$(s get pod $POD_ANN -o jsonpath='{.status.podIP}'); IP_FAR=$(s get pod $POD_FAR -o jsonpath='{.status.podIP}')
IDLE=n1; for n in n1 n2 n3; do [ $n != $ANN ] && [ $n != $FAR ] && IDLE=$n; done
