# Ways into a running lab. Each passes arguments, standard input and exit status unchanged, which is why each ends in exec.

enter_network() { # PLACE CMD…
  need_lab
  is_place "${1:-}" || die "'${1:-}' is not a place of '$LAB' (its places: $(places | xargs))"
  exec nsenter --net="$(netns "$1")" -- "${@:2}"
}

need_machine() {
  need_lab
  is_machine "$1" || die "'$1' is not a machine of '$LAB' (its machines: $(machines | xargs))"
}

enter_machine() { # HOST CMD…
  need_machine "${1:-}"
  local pid
  pid=$(first_process "$1") || die "$1 is off"
  exec nsenter --target "$pid" --all -- "${@:2}"
}

# The remote side hands one string to a shell, so every argument goes in quotes that any shell understands.
enter_by_ssh() { # HOST CMD…
  need_machine "${1:-}"
  local host=$1 arg words=()
  shift
  for arg in "$@"; do words+=("'${arg//\'/\'\\\'\'}'"); done
  # Always as root, whichever user the configuration file names for others.
  exec nsenter --net="$(netns ops)" -- ssh -F "$S/ssh/config" -o BatchMode=yes -o ConnectTimeout=10 -l root "$host" ${words[@]+"${words[*]}"}
}

enter_kubectl() {
  need_lab
  exec nsenter --net="$(netns n0)" -- env KUBECONFIG="$S/admin.kubeconfig" KUBECACHEDIR="$S/kubectl-cache" "$BIN/kubectl" "$@"
}

enter_vtysh() {
  need_lab
  speaks_bgp || die "no router daemon in '$LAB' (raise a lab that has one with: LAB_BGP=native)"
  enter_machine rt vtysh "$@"
}

enter_lbdiag() {
  need_lab
  local lbdiag=${LBDIAG:-$here/../../target/release/lbdiag}
  [ -x "$lbdiag" ] || die "no lbdiag at $lbdiag (build it, or set LBDIAG)"
  exec nsenter --net="$(netns ops)" -- env KUBECONFIG="$S/admin.kubeconfig" LBDIAG_SITE="$S/site.yaml" "$lbdiag" "$@"
}

print_env() {
  need_lab
  printf 'export %s\n' "KUBECONFIG=$S/admin.kubeconfig" "LAB_KUBECTL=$BIN/kubectl" "LAB_SSH_CONFIG=$S/ssh/config" "LAB_SITE=$S/site.yaml"
}
