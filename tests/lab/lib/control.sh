# The control plane: etcd, API server, controller manager and scheduler, as processes in n0's network.
# There the API server reaches MetalLB's webhook through n0's kube-proxy.

kubectl() {
  # The cache of API kinds is the lab's own: labs share an address, and versions of MetalLB differ in kinds.
  net n0 env KUBECONFIG="$S/admin.kubeconfig" KUBECACHEDIR="$S/kubectl-cache" "$BIN/kubectl" "$@"
}

# key NAME: a private key. Elliptic curves, because RSA keys alone take half a second.
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }

pki() {
  mkdir -m 700 "$S/pki"
  (
    cd "$S/pki"
    key sa
    openssl pkey -in sa.key -pubout -out sa.pub
    key ca
    openssl req -x509 -key ca.key -out ca.crt -subj /CN=lab-ca -days 3650
    key api
    openssl req -new -key api.key -out api.csr -subj /CN=kube-apiserver
    openssl x509 -req -in api.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out api.crt -days 3650 \
      -extfile <(echo "subjectAltName=IP:10.96.0.1,IP:$(lan n0),IP:127.0.0.1,DNS:kubernetes.default.svc")
  ) 2> "$S/pki.log"
  # The API server reads the tokens once, when it starts.
  : > "$S/pki/tokens.csv"
  user admin admin system:masters
  user kcm system:kube-controller-manager ''
  user sched system:kube-scheduler ''
  # kube-proxy has an identity of its own, because a kubelet's may not list EndpointSlices.
  user proxy system:kube-proxy ''
  # In place of the ClusterRoles of Calico's manifest.
  ! calico || user calico calico system:masters
  local node
  for node in $(nodes); do user "$node" "system:node:$node" system:nodes; done
}

user() { # FILE USER GROUPS: a token, and the kubeconfig that carries it
  local token
  token=$(openssl rand -hex 16)
  echo "$token,$2,$2,\"$3\"" >> "$S/pki/tokens.csv"
  (umask 077 && cat > "$S/$1.kubeconfig") << END
apiVersion: v1
kind: Config
clusters: [{name: lab, cluster: {server: "https://$(lan n0):6443", certificate-authority-data: $(base64 -w0 "$S/pki/ca.crt")}}]
users: [{name: $1, user: {token: $token}}]
contexts: [{name: lab, context: {cluster: lab, user: $1}}]
current-context: lab
END
}

# daemon NAME CMD…: a process of the control plane, which outlives this shell; its id and log are $S/NAME.{pid,log}.
daemon() {
  local name=$1
  shift
  setsid nsenter --net="$(netns n0)" -- "$@" > "$S/$name.log" 2>&1 < /dev/null &
  echo $! > "$S/$name.pid"
}

# runs FILE PLACE: is the process whose id is in $S/FILE there, in PLACE's network? A bare id could be somebody else's after a restart of the machine.
runs() {
  local pid
  read -r pid 2> /dev/null < "$S/$1" || return 1
  [ "/proc/$pid/ns/net" -ef "$(netns "$2")" ]
}

start_api() {
  local pki=$S/pki
  mkdir -p "$S/etcd"
  daemon etcd etcd --data-dir "$S/etcd" --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380 --unsafe-no-fsync
  daemon apiserver "$BIN/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 --service-cluster-ip-range="10.96.0.0/16$(! dual || echo ,fd10:96::/112)" \
    --advertise-address="$(lan n0)" --secure-port=6443 --tls-cert-file="$pki/api.crt" --tls-private-key-file="$pki/api.key" --client-ca-file="$pki/ca.crt" \
    --token-auth-file="$pki/tokens.csv" --authorization-mode=Node,RBAC --service-account-key-file="$pki/sa.pub" \
    --service-account-signing-key-file="$pki/sa.key" \
    --service-account-issuer=https://kubernetes.default.svc --kubelet-preferred-address-types=InternalIP --allow-privileged=true \
    --enable-admission-plugins=NodeRestriction --v=1
}

start_controllers() {
  daemon kcm "$BIN/kube-controller-manager" --kubeconfig="$S/kcm.kubeconfig" --service-account-private-key-file="$S/pki/sa.key" \
    --root-ca-file="$S/pki/ca.crt" --use-service-account-credentials --leader-elect=false --node-monitor-grace-period=20s --v=1
  daemon sched "$BIN/kube-scheduler" --kubeconfig="$S/sched.kubeconfig" --leader-elect=false --v=1
}
