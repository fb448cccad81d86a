# A whole lab: raise it, say how it is, remove it.

# up, down or dead. A node that is off does not make a lab dead; a control plane, a client or a router without its process does.
state() {
  local name
  if [ ! -d "$S" ] && [ -z "$(remaining_namespaces)" ]; then echo down; return; fi
  # Which machines it has to have is for the running lab to say: one without BGP lacks no router. (Callers take this in a subshell.)
  load_settings
  for name in etcd apiserver kcm sched; do runs "$name.pid" n0 || { echo dead; return; }; done
  for name in $(machines); do is_node "$name" || runs "$name/pid" "$name" || { echo dead; return; }; done
  if [ -f "$S/ready" ]; then echo up; else echo dead; fi
}

need_lab() { if [ ! -d "$S" ] || [ ! -e "$(netns n0)" ]; then die "no lab '$LAB' is up (raise it with: LAB=$LAB lab up)"; fi; }

remaining_namespaces() {
  local place
  for place in $(all_places); do [ ! -e "$(netns "$place")" ] || echo "$place"; done
}

up() {
  case $(state) in
    up) same_settings; cat "$S/ready"; return ;;
    dead) say "removing the remains of '$LAB'"; down ;;
  esac
  check_machine
  is_built || build
  [ -z "$(missing_packages)" ] || install_packages
  trap 'say "raising it failed; its logs are in $S until lab down"' ERR
  set -E
  mkdir -p "$S"
  save_settings
  local host address
  network
  ssh_files
  pki
  start_api
  # shellcheck disable=SC2046 # names without spaces
  boot $(machines)
  until_ 120 'the API server' kubectl get --raw /readyz
  start_controllers
  ! calico || kubectl apply --server-side -f "$TAR/calico-crds.yaml" > "$S/calico.log" 2>&1
  kubectl apply -f "$(manifest)" > "$S/metallb.log" 2>&1
  kubectl -n metallb-system create secret generic memberlist --from-literal=secretkey="$(openssl rand -base64 32)" > /dev/null
  until_ 120 'all nodes to register' nodes_known
  waits wait --for=condition=Ready node --all
  kubectl label node n0 node-role.kubernetes.io/control-plane= node.kubernetes.io/exclude-from-external-load-balancers= > /dev/null
  # Not earlier: with one of its two nodes unknown, both pods would go to the other.
  kubectl apply -f "$here/app.yaml" > /dev/null
  ! speaks_bgp || kubectl apply -f "$here/web.yaml" > /dev/null
  waits -n stacklight rollout status deploy/iam-proxy-alertmanager
  waits -n metallb-system rollout status deploy/controller
  waits -n metallb-system rollout status daemonset/speaker
  pool_file > "$S/pool.yaml"
  until_ 60 "MetalLB to take its pool" kubectl apply -f "$S/pool.yaml"
  until_ 60 'an address' service_address
  address=$(service_address)
  for host in "${clients[@]}"; do until_ 60 "an answer to $host" net "$host" curl -skm1 "https://$address/"; done
  echo "lab $LAB is up: Service stacklight/iam-proxy-alertmanager answers at https://$address/" > "$S/ready.new"
  ! speaks_bgp || announce_over_bgp >> "$S/ready.new"
  mv "$S/ready.new" "$S/ready"
  cat "$S/ready"
}

# Beyond the limit containerd starts without its CRI plugin, never tries again, and the node stays NotReady.
check_machine() {
  [ -d /sys/fs/cgroup/cpuset ] || die "this machine has no cgroup v1 hierarchies in /sys/fs/cgroup, which the lab's nodes need"
  grep -qw overlay /proc/filesystems || modprobe overlay 2> /dev/null || die "this kernel has no overlay file system"
  local limit=/proc/sys/fs/inotify/max_user_instances used needed
  used=$( (find /proc/[0-9]*/fd -lname anon_inode:inotify 2> /dev/null || true) | wc -l)
  needed=$((used + 12 + 7 * LAB_NODES))
  [ "$needed" -gt "$(cat $limit)" ] || return 0
  sysctl -qw fs.inotify.max_user_instances=$((needed + 1024)) 2> /dev/null || true
  [ "$needed" -le "$(cat $limit)" ] || die "not enough inotify instances: $used in use, $LAB_NODES nodes need $((needed - used)), fs.inotify.max_user_instances is $(cat $limit)"
}

nodes_known() { [ "$(kubectl get nodes --no-headers | wc -l)" = "$LAB_NODES" ]; }
# waits KUBECTL ARGS…: kubectl's own waiting watches; asking again and again costs more than the cluster's start.
waits() { kubectl "$@" --timeout=120s > /dev/null; }
service_address() {
  local address
  address=$(kubectl -n stacklight get svc iam-proxy-alertmanager -o jsonpath='{.status.loadBalancer.ingress[0].ip}')
  [ -n "$address" ] && echo "$address"
}

pool_file() {
  cat << END
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: services, namespace: metallb-system}
spec: {addresses: ["$POOL"$(! dual || echo ", \"$POOL6\"")]}
---
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: {name: services, namespace: metallb-system}
spec: {ipAddressPools: [services], interfaces: [mlb]}
END
}

status() {
  local name now
  now=$(state)
  # Between down and up a lab looks dead.
  if [ -e "$(lock_file)" ] && ! flock -n "$(lock_file)" true; then now='being raised or removed'; fi
  echo "lab $LAB: $now"
  [ -f "$S/settings" ] && sed 's/^/  /' "$S/settings"
  if [ "$now" = up ]; then
    for name in $(machines); do
      if first_process "$name" > /dev/null; then echo "  $name on, $(lan "$name")"; else echo "  $name off"; fi
    done
  fi
  [ "$now" = up ]
}

# What runs is found by the namespaces it runs in, so that nothing is missed whose id was not written down, and nothing else is hit.
down() {
  local place
  for _ in {1..50}; do
    lab_processes > /dev/null || break
    lab_processes | xargs -r kill -9 2> /dev/null || true
    sleep .1
  done
  for place in $(remaining_namespaces); do ip netns del "$LAB-$place"; done
  remove_cgroups $(all_places)
  rm -rf "$S"
}

lab_processes() {
  local place
  for place in $(remaining_namespaces); do ip netns pids "$LAB-$place"; done | grep .
}

# remove_cgroups PLACE…: a node's, with those of its pods, which lie inside, innermost first. Processes take a moment to leave them.
remove_cgroups() {
  local place dir left
  for _ in {1..50}; do
    left=0
    for place in "$@"; do
      for dir in /sys/fs/cgroup/*/"$LAB-$place"; do
        [ -d "$dir" ] || continue
        find "$dir" -depth -type d -exec rmdir {} + 2> /dev/null || left=1
      done
    done
    [ $left = 1 ] || break
    sleep .1
  done
}
