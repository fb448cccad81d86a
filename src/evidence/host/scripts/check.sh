# Prints what a host offers to whoever wants to look at it. Changes nothing, starts nothing that stays.
# Lines of tab-separated fields:
#   user NAME UID
#   root login | sudo | no WHY
#   tool NAME PATH VERSION     for each that is there (the version may be empty)
#   runtime NAME SOCKET        for each container runtime whose socket is there
#   kernel RELEASE
# `sbin` directories are where tcpdump and iptables often are, and often not on the PATH of a login.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
line() { printf '%s' "$1"; shift; for field in "$@"; do printf '\t%s' "$(printf '%s' "$field" | tr '\t\n' '  ' | cut -c1-120)"; done; echo; }
line user "$(id -un 2>/dev/null)" "$(id -u)"
if [ "$(id -u)" = 0 ]; then line root login
elif ! command -v sudo >/dev/null 2>&1; then line root no 'this user is not root, and sudo is not installed'
elif why=$(sudo -n true 2>&1); then line root sudo
else line root no "${why:-sudo -n is refused}"; fi
version() { # NAME: one line, from a tool that ends by itself
  case $1 in
    tcpdump | python3 | curl | iptables-save | nft | conntrack | crictl | bash) timeout 3 "$1" --version 2>&1 | head -n 1 ;;
    ip) timeout 3 ip -V 2>&1 | head -n 1 ;;
    ss) timeout 3 ss -V 2>&1 | head -n 1 ;;
    nsenter) timeout 3 nsenter --version 2>&1 | head -n 1 ;;
  esac
}
for tool in sh timeout tcpdump nsenter ip ss iptables-save nft conntrack bridge python3 curl bash crictl ctr docker vtysh; do
  where=$(command -v "$tool" 2>/dev/null) && line tool "$tool" "$where" "$(version "$tool")"
done
for pair in containerd:/run/containerd/containerd.sock k3s:/run/k3s/containerd/containerd.sock k0s:/run/k0s/containerd.sock \
  microk8s:/var/snap/microk8s/common/run/containerd.sock crio:/var/run/crio/crio.sock docker:/var/run/docker.sock cri-dockerd:/var/run/cri-dockerd.sock; do
  [ ! -S "${pair#*:}" ] || line runtime "${pair%%:*}" "${pair#*:}"
done
line kernel "$(uname -r)"
