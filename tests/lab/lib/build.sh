# What the cluster consists of: Debian's packages, Kubernetes and MetalLB from Go modules, and images made from scratch.
# Everything is made once and kept in $BIN and $TAR, whichever labs use it.

# A file or command, and the package that brings it.
packages=(
  etcd:etcd-server containerd:containerd runc:runc /usr/lib/cni/bridge:containernetworking-plugins /usr/sbin/sshd:openssh-server
  ssh:openssh-client tcpdump:tcpdump nft:nftables iptables:iptables conntrack:conntrack arping:arping sudo:sudo ip:iproute2
  openssl:openssl curl:curl python3:python3 ps:procps flock:util-linux
)

# For labs that speak BGP: the router, and what goes into the speakers' image of FRR.
router_packages=(/usr/lib/frr/bgpd:frr)
frr_mode_packages=(/usr/lib/frr/frr-reload.py:frr-pythontools)

# Felix fills its sets with ipset, and removes flows with conntrack.
calico_packages=(ipset:ipset)

missing_packages() {
  local pair wanted=("${packages[@]}")
  ! speaks_bgp || wanted+=("${router_packages[@]}")
  [ "$LAB_BGP" != frr ] || wanted+=("${frr_mode_packages[@]}")
  ! calico || wanted+=("${calico_packages[@]}")
  for pair in "${wanted[@]}"; do command -v "${pair%%:*}" > /dev/null || [ -e "${pair%%:*}" ] || echo "${pair#*:}"; done
}

install_packages() {
  local missing
  missing=$(missing_packages | xargs)
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then die "Debian packages are missing: $missing"; fi
  say "installing $missing"
  # The lab needs these programs, not the services that Debian would start with them on the machine itself.
  local policy=/usr/sbin/policy-rc.d status=0
  if [ -e $policy ]; then policy=; else printf '#!/bin/sh\nexit 101\n' > $policy && chmod +x $policy; fi
  # shellcheck disable=SC2086 # a list of names
  { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qqy install --no-install-recommends $missing; } >&2 || status=$?
  [ -z "$policy" ] || rm -f $policy
  [ $status = 0 ] || die "could not install $missing"
}

check_go() {
  command -v go > /dev/null || die "Go 1.24 or newer is missing from the PATH"
  local version
  version=$(go env GOVERSION)
  [ "$(printf '%s\n' go1.24 "$version" | sort -V | head -1)" = go1.24 ] || die "Go 1.24 or newer is needed, the PATH has $version"
}

build() {
  install_packages
  check_go
  mkdir -p "$BIN" "$TAR"
  (
    # Two at once would only wait for the same compiler.
    flock 9
    build_kubernetes
    build_images
    build_metallb
    ! calico || build_calico
  ) 9> "$LAB_DIR/.build.lock"
}

is_built() {
  local name
  [ -e "$BIN/kubectl" ] && [ -e "$(manifest)" ] || return 1
  for name in $(images); do [ -e "$TAR/$name.tar" ] || return 1; done
  ! calico || { [ -e "$BIN/calico" ] && [ -e "$TAR/calico-crds.yaml" ]; }
}

# FRR mode is another manifest, another image of the speaker, and one more image.
frr_suffix() { [ "$LAB_BGP" != frr ] || echo -frr; }
manifest() { echo "$TAR/metallb-$LAB_METALLB$(frr_suffix).yaml"; }
images() { # what every node needs, as names of $TAR
  echo pause app "controller-$LAB_METALLB" "speaker-$LAB_METALLB$(frr_suffix)"
  [ "$LAB_BGP" != frr ] || echo frr
}

# One binary for all of Kubernetes: the programs share most of their code. Without a version kubelet and kubectl refuse to work.
build_kubernetes() {
  local name v=k8s.io/component-base/version
  if ! "$BIN/kubectl" version --client 2> /dev/null | grep -F "$K8S" > /dev/null; then
    say "building Kubernetes $K8S (some minutes, once)"
    (cd "$here/k8s" && CGO_ENABLED=0 nice -n 10 go build -buildvcs=false -o "$BIN/k8s.new" \
      -ldflags="-s -w -X $v.gitVersion=$K8S -X $v.gitMajor=1 -X $v.gitMinor=34 -X k8s.io/client-go/pkg/version.gitVersion=$K8S" .)
    mv "$BIN/k8s.new" "$BIN/k8s"
  fi
  for name in kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do ln -sfn k8s "$BIN/$name"; done
}

# Calico's node agent and CNI plugins as one program, and the kinds of its objects, from one module. Without cgo the eBPF dataplane is a stub.
build_calico() {
  local name module
  if [ ! -x "$BIN/calico" ] || [ "$here/calico/go.mod" -nt "$BIN/calico" ] || [ "$here/calico/main.go" -nt "$BIN/calico" ]; then
    say "building Calico (some minutes, once)"
    (cd "$here/calico" && CGO_ENABLED=0 nice -n 10 go build -buildvcs=false -ldflags='-s -w' -o "$BIN/calico.new" .)
    mv "$BIN/calico.new" "$BIN/calico"
  fi
  for name in calico-ipam calico-node; do ln -sfn calico "$BIN/$name"; done
  module=$(cd "$here/calico" && go list -m -f '{{.Dir}}' github.com/projectcalico/calico)
  for name in "$module"/libcalico-go/config/crd/*.yaml; do cat "$name"; echo ---; done > "$TAR/calico-crds.new"
  mv "$TAR/calico-crds.new" "$TAR/calico-crds.yaml"
}

build_images() {
  local name
  for name in app pause; do
    [ ! "$TAR/$name.tar" -nt "$here/images/$name/main.go" ] || continue
    (cd "$here/images" && CGO_ENABLED=0 nice -n 10 go build -buildvcs=false -ldflags='-s -w' -o "$BIN/$name" "./$name")
    image "lab.local/$name:1" "$name" "$BIN/$name"
  done
}

build_metallb() {
  local name tmp version=$LAB_METALLB
  tmp=$(mktemp -d)
  if [ ! -x "$BIN/speaker-$version" ] || [ ! -x "$BIN/controller-$version" ]; then
    say "building MetalLB $version (some minutes, once)"
    GOBIN=$tmp CGO_ENABLED=0 nice -n 10 go install -ldflags='-s -w' "go.universe.tf/metallb/"{speaker,controller}"@$version"
    for name in speaker controller; do mv "$tmp/$name" "$BIN/$name-$version"; done
  fi
  for name in speaker controller; do
    [ -e "$TAR/$name-$version.tar" ] || image "quay.io/metallb/$name:$version" "$name-$version" "$BIN/$name-$version" "/$name"
  done
  [ "$LAB_BGP" != frr ] || build_frr_mode "$tmp"
  [ -e "$(manifest)" ] || build_manifest "$tmp"
  rm -rf "$tmp"
}

# The directory of MetalLB's module. It is looked up outside of any other.
metallb_module() {
  (cd "$1" && go mod download -json "go.universe.tf/metallb@$LAB_METALLB") | sed -n 's/.*"Dir": "\(.*\)".*/\1/p'
}

# MetalLB's own manifest, kept here so that `up` needs no Go; nothing is ever pulled.
build_manifest() {
  local version=$LAB_METALLB mode=native frr=()
  if [ "$LAB_BGP" = frr ]; then
    mode=frr
    frr=(-e "s#image: quay.io/frrouting/frr:.*#image: quay.io/frrouting/frr:$(frr_version)#")
  fi
  sed -e "s#image: quay.io/metallb/\(speaker\|controller\):.*#image: quay.io/metallb/\1:$version\n        imagePullPolicy: IfNotPresent#" "${frr[@]}" \
    "$(metallb_module "$1")/config/manifests/metallb-$mode.yaml" > "$TAR/metallb.new"
  mv "$TAR/metallb.new" "$(manifest)"
}

# image NAME:TAG FILE BINARY [PATH]: an image of one static binary and a /tmp, as $TAR/FILE.tar.
image() {
  local path=${4:-/$2}
  python3 "$here/mkimage.py" "$1" "$TAR/$2.new" "$path=$3" /tmp= -- "$path"
  mv "$TAR/$2.new" "$TAR/$2.tar"
}
