# A machine of its own, for every node and client and for a router with a daemon: mount, UTS, IPC and PID namespaces (nodes: cgroups too) in its place's network.
# Killing its first process removes all of it, as a power cut would; its files in $S/HOST survive that, as a disk would.

# boot HOST…: start their first processes, all at once, and wait until the ids are known.
boot() {
  local host own
  for host in "$@"; do
    own=(--mount --uts --ipc --pid)
    mkdir -p "$S/$host/log"
    rm -f "$S/$host/pid"
    if is_node "$host"; then
      own+=(--cgroup)
      ports "$host" up
    fi
    setsid nsenter --net="$(netns "$host")" -- "$here/lab" _machine enter "$host" "${own[@]}" > "$S/$host/console.log" 2>&1 < /dev/null &
  done
  for host in "$@"; do until_ 20 "$host's first process" test -s "$S/$host/pid"; done
}

# halt HOST: a power cut. The next boot uses the same files, so it must be over.
halt() {
  local pid
  if pid=$(first_process "$1"); then
    kill -9 "$pid" || true
    until_ 10 "the end of $1" test ! -d "/proc/$pid"
  fi
  # A kubelet that finds the cgroups of dead containers tries for seconds to follow each of them, and registers its node only then.
  remove_cgroups "$1"
  rm -f "$S/$1/pid"
}

# first_process HOST: its id as it is outside, or a failure when the machine is off.
first_process() { runs "$1/pid" "$1" && cat "$S/$1/pid"; }

# The two steps of a start: outside its namespaces, then as process 1 inside them.
machine_main() {
  local step=$1 host=$2
  shift 2
  case $step in
    enter)
      ! is_node "$host" || own_cgroups "$host"
      exec unshare "$@" --fork --kill-child "$here/lab" _machine init "$host"
      ;;
    init)
      # /proc is still the one outside, so this is the id by which others find this process.
      local pid rest
      read -r pid rest < /proc/self/stat
      own_files "$host"
      echo "$pid" > "$S/$host/pid.new"
      mv "$S/$host/pid.new" "$S/$host/pid"
      if is_node "$host"; then
        node_main "$host"
      elif is_client "$host"; then
        client_main
      else
        router_main
      fi
      ;;
  esac
}

# Directories of its own: /etc and /usr over the machine's, so that a fault may delete tcpdump or break a configuration here alone;
# /root and /home empty, because every command over SSH would pay for the machine's ~/.bashrc.
own_files() {
  local host=$1 dir
  hostname "$host"
  mount --make-rprivate /
  # What other labs have mounted must not be held here.
  umount --lazy /run/netns 2> /dev/null || true
  mount -t proc proc /proc
  mount -t tmpfs -o mode=755 tmpfs /run
  mount -t tmpfs -o mode=1777 tmpfs /tmp
  mkdir -p /run/sshd /run/lock /run/netns
  mount --bind "$S/$host/log" /var/log
  for dir in etc usr; do
    mkdir -p "$S/$host/own/$dir" "$S/$host/own/.$dir"
    mount -t overlay overlay -o "lowerdir=/$dir,upperdir=$S/$host/own/$dir,workdir=$S/$host/own/.$dir" "/$dir"
  done
  mkdir -p "$S/$host/own/root" "$S/$host/own/home"
  chmod 700 "$S/$host/own/root"
  for dir in root home; do mount --bind "$S/$host/own/$dir" "/$dir"; done

  echo "$host" > /etc/hostname
  printf '%s\n' '127.0.0.1 localhost' "127.0.1.1 $host" > /etc/hosts
  # '*' and not a locked '!': sshd without PAM refuses locked accounts.
  id ops > /dev/null 2>&1 || useradd --create-home --shell /bin/bash --password '*' ops
  mkdir -p /etc/sudoers.d
  echo 'ops ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/lab
  chmod 440 /etc/sudoers.d/lab
  sshd_files "$host"
}

sshd_files() {
  local host=$1
  rm -f /etc/ssh/ssh_host_*
  install -m 600 "$S/ssh/host_$host" /etc/ssh/ssh_host_ed25519_key
  install -m 644 "$S/ssh/host_$host.pub" /etc/ssh/ssh_host_ed25519_key.pub
  install -m 644 "$S/ssh/id.pub" /etc/ssh/authorized_keys
  {
    echo 'HostKey /etc/ssh/ssh_host_ed25519_key'
    # Clients and the router listen on their leg for SSH only: the others are what faults change.
    is_node "$host" || echo "ListenAddress $(lan "$host")"
    printf '%s\n' 'AuthorizedKeysFile /etc/ssh/authorized_keys' 'PermitRootLogin prohibit-password' 'PasswordAuthentication no' \
      'StrictModes no' 'UsePAM no' 'Subsystem sftp internal-sftp'
  } > /etc/ssh/sshd_config
}

# keep NAME CMD…: start it again whenever it ends, as an init would.
keep() {
  local name=$1
  shift
  (
    set +e
    while :; do
      "$@" >> "/var/log/$name.log" 2>&1
      echo "$name ended: $?" >> "/var/log/$name.log"
      sleep 1
    done
  ) &
}

client_main() {
  keep sshd /usr/sbin/sshd -D -e
  wait
}

# The keys and files by which every machine is reached from ops.
ssh_files() {
  local host
  mkdir -p "$S/ssh"
  ssh-keygen -q -t ed25519 -N '' -C lab -f "$S/ssh/id"
  for host in $(machines); do
    ssh-keygen -q -t ed25519 -N '' -C "$host" -f "$S/ssh/host_$host"
    echo "$host,$(lan "$host") $(cut -d' ' -f1,2 "$S/ssh/host_$host.pub")" >> "$S/ssh/known_hosts"
    cat >> "$S/ssh/config" << END
Host $host $(lan "$host")
  HostName $(lan "$host")
  User $LAB_USER
  IdentityFile $S/ssh/id
  IdentitiesOnly yes
  UserKnownHostsFile $S/ssh/known_hosts
  StrictHostKeyChecking yes
END
  done
  cat > "$S/site.yaml" << END
ssh:
  config: $S/ssh/config
defaults:
  from: "ssh:c1,ssh:c2"
END
}
