# What makes a machine a Kubernetes node: cgroups of its own, containerd, kubelet and kube-proxy.

# The node's processes get a cgroup of their own in each hierarchy, which becomes the root of what they see.
own_cgroups() {
  local node=$1 hierarchy file
  for hierarchy in /sys/fs/cgroup/*/; do mkdir -p "$hierarchy$LAB-$node"; done
  # A new cpuset is empty, and takes no process before it is filled.
  for file in cpus mems; do cat "/sys/fs/cgroup/cpuset/cpuset.$file" > "/sys/fs/cgroup/cpuset/$LAB-$node/cpuset.$file"; done
  for hierarchy in /sys/fs/cgroup/*/; do echo $$ > "$hierarchy$LAB-$node/cgroup.procs"; done
}

node_main() {
  local node=$1 image
  mount_cgroups
  node_files "$node"
  # Mounts of volumes must reach the containers.
  mount --make-rshared /
  keep sshd /usr/sbin/sshd -D -e
  keep containerd containerd
  until_ 60 containerd ctr version
  for image in $(images); do
    ctr -n k8s.io images import "$TAR/$image.tar" >> /var/log/images.log 2>&1
  done
  # A kubelet that starts before its API server waits seconds before it tries again.
  until_ 120 'the API server' curl -skfm1 "https://$(lan n0):6443/readyz" || true
  keep kubelet "$BIN/kubelet" --config=/etc/kubernetes/kubelet.yaml --kubeconfig="$S/$node.kubeconfig" --hostname-override="$node" --node-ip="$(lan "$node")$(! dual || echo ",$(lan6 "$node")")" --v=2
  keep kube-proxy "$BIN/kube-proxy" --config=/etc/kubernetes/proxy.yaml --v=1
  ! calico || calico_node "$node"
  wait
}

mount_cgroups() {
  local all name
  all=$(ls /sys/fs/cgroup)
  mount -t sysfs sysfs /sys
  mount -t tmpfs cgroup /sys/fs/cgroup
  for name in $all; do
    mkdir -p "/sys/fs/cgroup/$name"
    case $name in
      unified) mount -t cgroup2 cgroup2 "/sys/fs/cgroup/$name" ;;
      systemd) mount -t cgroup -o none,name=systemd cgroup "/sys/fs/cgroup/$name" ;;
      *) mount -t cgroup -o "$name" cgroup "/sys/fs/cgroup/$name" ;;
    esac
  done
}

node_files() {
  local node=$1 dir
  for dir in kubelet containerd cni$(! calico || echo ' calico'); do
    mkdir -p "$S/$node/lib/$dir" "/var/lib/$dir"
    mount --bind "$S/$node/lib/$dir" "/var/lib/$dir"
  done
  mkdir -p /etc/cni/net.d /etc/containerd /etc/kubernetes

  calico || cni_config "$node"

  # restrict_oom_score_adj: without CAP_SYS_RESOURCE runc cannot lower it, and every container would fail to start.
  cat > /etc/containerd/config.toml << 'END'
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "lab.local/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
END

  cat > /etc/kubernetes/kubelet.yaml << END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $(lan "$node")
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
evictionHard: {memory.available: 50Mi, nodefs.available: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
localStorageCapacityIsolation: false
nodeStatusUpdateFrequency: 4s
resolvConf: /dev/null
END

  # The conntrack sizes are the whole machine's, not a node's to set.
  cat > /etc/kubernetes/proxy.yaml << END
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: $LAB_PROXY
clientConnection: {kubeconfig: $S/proxy.kubeconfig}
clusterCIDR: 10.88.128.0/18$(! dual || echo ,fd10:88:10::/44)
hostnameOverride: $node
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
metricsBindAddress: 127.0.0.1:10249
healthzBindAddress: 0.0.0.0:10256
END
}

cni_config() {
  local node=$1 link ranges routes
  # bridge: pods on the bridge cni0, as flannel does it; ptp: a host route for each pod, as Calico does it.
  case $LAB_CNI in
    bridge) link='"type":"bridge","bridge":"cni0","isGateway":true,"ipMasq":false,"mtu":1450,"hairpinMode":true' ;;
    ptp) link='"type":"ptp","ipMasq":false,"mtu":1450' ;;
  esac
  ranges="[{\"subnet\":\"$(pods "$node").0/24\",\"rangeEnd\":\"$(pods "$node").250\"}]"
  routes='{"dst":"0.0.0.0/0"}'
  if dual; then
    ranges+=",[{\"subnet\":\"$(pods6 "$node")::/64\",\"rangeEnd\":\"$(pods6 "$node")::fffe\"}]"
    routes+=',{"dst":"::/0"}'
  fi
  cat > /etc/cni/net.d/10-lab.conflist << END
{"cniVersion":"0.4.0","name":"lab","plugins":[{$link,
 "ipam":{"type":"host-local","ranges":[$ranges],"routes":[$routes]}},{"type":"portmap","capabilities":{"portMappings":true}}]}
END
}

# power restart|node-down NODE
power() {
  [ $# -eq 2 ] || die "usage: lab $1 NODE"
  need_lab
  is_node "$2" || die "$2 is not a node of '$LAB' (its nodes: $(nodes | xargs))"
  halt "$2"
  ports "$2" down
  [ "$1" = node-down ] || boot "$2"
}
