# What can be chosen, where things lie, and how the lab speaks to its user.

# The lab's tools live in sbin directories, which an ordinary user's PATH lacks.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

LAB=${LAB:-lab}
LAB_DIR=${LAB_DIR:-/var/tmp/lbdiag-lab}
LAB_METALLB=${LAB_METALLB:-v0.15.2}
LAB_PROXY=${LAB_PROXY:-iptables}
LAB_CNI=${LAB_CNI:-bridge}
LAB_BGP=${LAB_BGP:-none}
LAB_STACK=${LAB_STACK:-v4}
LAB_NODES=${LAB_NODES:-4}
LAB_USER=${LAB_USER:-root}

# A running lab keeps these; `up` with others is an error, every other command goes by the running lab's.
settings=(LAB_METALLB LAB_PROXY LAB_CNI LAB_BGP LAB_STACK LAB_NODES LAB_USER)

K8S=v1.34.3
BIN=$LAB_DIR/bin # what is built: binaries
TAR=$LAB_DIR/tar # what is built: images and MetalLB's manifests
S=$LAB_DIR/$LAB  # what runs: everything of this lab, removed by `down`

say() { echo "lab: $*" >&2; }
die() { say "$*"; exit 1; }

need_root() { [ "$(id -u)" = 0 ] || die "this needs root: the lab is made of network namespaces, mounts and processes of its own"; }

# one_of NAME VALUE ALLOWED…
one_of() {
  local name=$1 value=$2 allowed
  shift 2
  for allowed in "$@"; do [ "$value" != "$allowed" ] || return 0; done
  die "$name=$value is not one of: $*"
}

check_settings() {
  [[ $LAB =~ ^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$ ]] || die "LAB='$LAB' is not a name of lower-case letters, digits and inner dashes (at most 32)"
  case $LAB in bin | tar) die "LAB=$LAB is taken: $S holds what is built" ;; esac
  # The path is written into configuration files, and machines cover these directories with their own.
  [[ $LAB_DIR =~ ^/[A-Za-z0-9._/-]+$ ]] || die "LAB_DIR='$LAB_DIR' is not an absolute path of letters, digits and ._/-"
  case $LAB_DIR/ in /etc/* | /usr/* | /root/* | /home/* | /tmp/* | /run/* | /var/log/*) die "LAB_DIR=$LAB_DIR lies where every node has a directory of its own; choose one like /var/tmp/…" ;; esac
  one_of LAB_METALLB "$LAB_METALLB" v0.13.12 v0.14.9 v0.15.2 v0.16.1
  one_of LAB_PROXY "$LAB_PROXY" iptables nftables
  one_of LAB_CNI "$LAB_CNI" bridge ptp calico
  one_of LAB_BGP "$LAB_BGP" none native frr
  one_of LAB_STACK "$LAB_STACK" v4 dual
  one_of LAB_NODES "$LAB_NODES" 4 5 6 7 8
  one_of LAB_USER "$LAB_USER" root ops
  if calico && dual; then die "LAB_CNI=calico carries IPv4 only: it does not go with LAB_STACK=dual"; fi
}

save_settings() {
  local name
  for name in "${settings[@]}"; do echo "$name=${!name}"; done > "$S/settings"
}

# The running lab decides, not the environment: `LAB_PROXY=nftables lab up; lab restart n2` must not mix two kinds of nodes.
load_settings() {
  local name value
  [ -f "$S/settings" ] || { check_settings; return 0; }
  while IFS='=' read -r name value; do declare -g "$name=$value"; done < "$S/settings"
}

# Names the first setting in which the running lab differs from what is asked for.
same_settings() {
  local name value
  while IFS='=' read -r name value; do
    [ "${!name}" = "$value" ] || die "'$LAB' is up with $name=$value, not ${!name}: take it down first, or raise another beside it (LAB=name)"
  done < "$S/settings"
}

# One `up` or `down` at a time for each lab. -o: what is started must not hold the lock. The name alone decides, since namespaces carry it.
lock_file() { echo "/run/lock/lbdiag-lab.$LAB.lock"; }
locked() {
  mkdir -p /run/lock
  exec flock -o "$(lock_file)" "$here/lab" "$1"
}

# until_ SECONDS WHAT CMD…: until CMD succeeds.
until_() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" > /dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || { say "gave up waiting for $what"; return 1; }
    sleep .2
  done
}
