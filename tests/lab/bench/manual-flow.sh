#!/bin/bash
# manual-flow.sh: the manual road for one LoadBalancer Service, as a competent person would script it today.
# It is the anchor that lbdiag must beat; it is not product code.
#
#   manual-flow.sh seq    one step after the other, as one does by hand (text output, an SSH connection for every command)
#   manual-flow.sh par    the same by a good shell programmer (questions side by side, one SSH connection per capture,
#                         waits for "listening on", stops by closing standard input, packets streamed back)
#
# Parameters, all from the environment:
#   NAMESPACE SERVICE         the Service                          stacklight / iam-proxy-alertmanager
#   METALLB_NS SPEAKER_LABEL  where the speakers are               metallb-system / component=speaker
#   NODE_IF POD_IF            interfaces                           mlb / eth0
#   SSH KUBECTL CLIENT        commands; CLIENT is a prefix that runs curl on the client, e.g. "ssh client"
#   CURLS                     requests to send                     4
#   READY                     seconds to wait for tcpdump to start, or "listen" to wait for its own word   (seq 2, par listen)
#   DRAIN                     seconds between the last answer and the stop                                 (seq 2, par 1)
#   CAPTURE                   extra tcpdump options, e.g. "--immediate-mode"
#   OUT                       a directory for what was seen
set -euo pipefail
mode=${1:?seq or par}
NAMESPACE=${NAMESPACE:-stacklight} SERVICE=${SERVICE:-iam-proxy-alertmanager}
METALLB_NS=${METALLB_NS:-metallb-system} SPEAKER_LABEL=${SPEAKER_LABEL:-component=speaker}
NODE_IF=${NODE_IF:-mlb} POD_IF=${POD_IF:-eth0} CURLS=${CURLS:-4} CAPTURE=${CAPTURE:-}
SSH=${SSH:-ssh -o BatchMode=yes} KUBECTL=${KUBECTL:-kubectl} CLIENT=${CLIENT:-}
case $mode in seq) READY=${READY:-2} DRAIN=${DRAIN:-2};; par) READY=${READY:-listen} DRAIN=${DRAIN:-1};; esac
OUT=${OUT:-$(mktemp -d)}; mkdir -p "$OUT"; rm -f "$OUT"/*
k() { $KUBECTL "$@"; }
on() { echo "$1" >>"$OUT/ssh.count"; $SSH "root@$1" "${@:2}"; }
stamp() { echo "$(date +%s.%N) $*" >>"$OUT/steps"; }
ready() { # error-file
  case $READY in
    listen) for _ in $(seq 500); do grep -q 'listening on' "$1" 2>/dev/null && return; sleep .02; done; echo "no capture: $(cat "$1")" >&2; return 1;;
    *) sleep "$READY";;
  esac; }
ask() { for _ in $(seq "$CURLS"); do $CLIENT curl -skm 3 -o /dev/null -w '%{http_code} %{remote_ip} %{time_total}\n' "https://$ip/" >>"$OUT/curl" || true; done; }

seq_() {
  stamp start
  ip=$(k -n "$NAMESPACE" get svc "$SERVICE" -o jsonpath='{.status.loadBalancer.ingress[0].ip}')
  # Who announces: the last word about this address over all speakers, sorted by time.
  k -n "$METALLB_NS" logs -l "$SPEAKER_LABEL" --prefix --timestamps --tail=-1 --max-log-requests=500 |
    LC_ALL=C sort -k2,2 | grep -F "\"$ip\"" | grep -E 'serviceAnnounced|serviceWithdrawn' >"$OUT/announcements"
  speaker=$(grep serviceAnnounced "$OUT/announcements" | tail -1 | sed 's#^\[pod/\([^/]*\)/.*#\1#')
  announcer=$(k -n "$METALLB_NS" get pod "$speaker" -o jsonpath='{.spec.nodeName}'); stamp announcer
  # Where it ends: selector, named port, pods, nodes.
  selector=$(k -n "$NAMESPACE" get svc "$SERVICE" -o json | jq -r '.spec.selector|to_entries|map("\(.key)=\(.value)")|join(",")')
  name=$(k -n "$NAMESPACE" get svc "$SERVICE" -o jsonpath='{.spec.ports[0].targetPort}')
  port=$(k -n "$NAMESPACE" get pods -l "$selector" -o json | jq -r --arg n "$name" '[.items[].spec.containers[].ports[]?|select(.name==$n or (.containerPort|tostring)==$n).containerPort]|unique|first')
  k -n "$NAMESPACE" get pods -l "$selector" -o json |
    jq -r '.items[]|[.metadata.name,.status.podIP,.spec.nodeName,(.status.containerStatuses[0].containerID|sub(".*//";""))]|@tsv' >"$OUT/pods"
  k get nodes -o json | jq -r '.items[]|[.metadata.name,(.status.addresses[]|select(.type=="InternalIP").address)]|@tsv' >"$OUT/nodes"
  addr() { awk -v n="$1" '$1==n{print $2}' "$OUT/nodes"; }
  stamp target
  # Captures: one terminal each.
  a=$(addr "$announcer")
  on "$a" "echo \$\$; exec tcpdump -l -nn $CAPTURE -i $NODE_IF host $ip and tcp port 443" >"$OUT/node.txt" 2>"$OUT/node.err" & ready "$OUT/node.err"; stamp node-capture
  while read -r pod pip node id <&3; do
    n=$(addr "$node")
    pid=$(on "$n" "if command -v crictl >/dev/null; then crictl inspect -o go-template --template '{{.info.pid}}' $id; else ctr -n k8s.io task ls | awk '\$1==\"$id\"{print \$2}'; fi")
    on "$n" "nsenter -t $pid -n ip -o addr show $POD_IF" | grep -qF " $pip/" || { echo "wrong namespace for $pod" >&2; exit 1; }
    on "$n" "echo \$\$; exec nsenter -t $pid -n tcpdump -l -nn $CAPTURE -i $POD_IF tcp port $port" >"$OUT/$pod.txt" 2>"$OUT/$pod.err" & ready "$OUT/$pod.err"
    stamp "pod-capture $pod"
  done 3<"$OUT/pods"
  ask; stamp asked; sleep "$DRAIN"
  on "$a" "kill -INT $(head -1 "$OUT/node.txt")" || true
  while read -r pod pip node id <&3; do on "$(addr "$node")" "kill -INT $(head -1 "$OUT/$pod.txt")" || true; done 3<"$OUT/pods"
  wait; stamp stopped
  echo "$ip announced by $announcer; port $name = $port"; cat "$OUT/curl"
  for f in "$OUT"/*.txt; do echo "$(basename "$f" .txt): $(grep -c ' IP ' "$f") packets"; done
  stamp end
}

# A background job of a shell ignores SIGINT until tcpdump has set its own handler: a stop that comes too early would wait for ever.
stop='kill -INT $t; (sleep 2; kill $t) >/dev/null 2>&1 </dev/null & wait $t'
par_() {
  stamp start
  k -n "$NAMESPACE" get svc "$SERVICE" -o json >"$OUT/svc.json" & p1=$!
  k -n "$NAMESPACE" get pods -o json >"$OUT/pods.json" & p2=$!
  k get nodes -o json >"$OUT/nodes.json" & p3=$!
  k -n "$METALLB_NS" get pods -l "$SPEAKER_LABEL" -o json >"$OUT/speakers.json" & p4=$!
  k -n "$METALLB_NS" logs -l "$SPEAKER_LABEL" --prefix --timestamps --tail=-1 --max-log-requests=500 >"$OUT/speakers.log" & p5=$!
  for p in $p1 $p2 $p3 $p4 $p5; do wait "$p"; done
  ip=$(jq -r '.status.loadBalancer.ingress[0].ip' "$OUT/svc.json")
  grep -F "\"$ip\"" "$OUT/speakers.log" | grep -E 'serviceAnnounced|serviceWithdrawn' | LC_ALL=C sort -k2,2 >"$OUT/announcements"
  speaker=$(grep serviceAnnounced "$OUT/announcements" | tail -1 | sed 's#^\[pod/\([^/]*\)/.*#\1#')
  announcer=$(jq -r --arg s "$speaker" '.items[]|select(.metadata.name==$s).spec.nodeName' "$OUT/speakers.json"); stamp announcer
  jq -r --slurpfile s "$OUT/svc.json" --slurpfile n "$OUT/nodes.json" --arg a "$announcer" '
    ($n[0].items|map({(.metadata.name):(.status.addresses[]|select(.type=="InternalIP").address)})|add) as $addr
    | $s[0].spec as $svc | $svc.ports[0].targetPort as $t
    | "node \($addr[$a]) - - -",
      (.items[]|select(.metadata.labels as $l|$svc.selector|to_entries|all($l[.key]==.value))
       | "\(.metadata.name) \($addr[.spec.nodeName]) \(.status.podIP) \(.status.containerStatuses[0].containerID|sub(".*//";"")) \([.spec.containers[].ports[]?|select(.name==$t or .containerPort==$t).containerPort]|first)")' \
    "$OUT/pods.json" >"$OUT/points"; stamp target
  n=0
  while read -r name node pip id port; do
    if [ "$name" = node ]; then remote="exec 3<&0; tcpdump -U -nn $CAPTURE -w - -i $NODE_IF host $ip and tcp port 443 </dev/null & t=\$!; read -r _ <&3; $stop"
    else remote="exec 3<&0; if command -v crictl >/dev/null; then p=\$(crictl inspect -o go-template --template '{{.info.pid}}' $id); else p=\$(ctr -n k8s.io task ls | awk '\$1==\"$id\"{print \$2}'); fi
      nsenter -t \$p -n ip -o addr show $POD_IF | grep -qF ' $pip/' || { echo wrong namespace >&2; exit 1; }
      nsenter -t \$p -n tcpdump -U -nn $CAPTURE -w - -i $POD_IF tcp port $port </dev/null & t=\$!; read -r _ <&3; $stop"; fi
    mkfifo "$OUT/$name.in"; on "$node" "$remote" <"$OUT/$name.in" >"$OUT/$name.pcap" 2>"$OUT/$name.err" &
    n=$((n+1)); eval "exec {fd$n}>\"\$OUT/\$name.in\""
  done <"$OUT/points"
  while read -r name _; do ready "$OUT/$name.err"; done <"$OUT/points"; stamp captures
  ask; stamp asked; sleep "$DRAIN"
  for i in $(seq $n); do eval "exec {fd$i}>&-"; done
  wait; stamp stopped
  echo "$ip announced by $announcer; port $(jq -r '.spec.ports[0].targetPort' "$OUT/svc.json") = $(awk 'END{print $5}' "$OUT/points")"; cat "$OUT/curl"
  while read -r name _; do echo "$name: $(tcpdump -nnr "$OUT/$name.pcap" 2>/dev/null | wc -l) packets"; done <"$OUT/points"
  stamp end
}
${mode}_
echo "ssh connections: $(wc -l <"$OUT/ssh.count"); lines a person wrote: $(grep -vcE '^ *(#|$)' "$0")"
