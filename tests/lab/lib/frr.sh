# The image of FRR beside each speaker (LAB_BGP=frr), made of the files of Debian's packages: there is no registry to pull one from.

frr_version() { dpkg-query -W -f '${Version}' frr | sed 's/-.*//'; }

# frr_files ROOT: a root file system with FRR, vtysh, the reloader's Python, and the shell tools that its scripts and MetalLB's call.
frr_files() {
  local root=$1 name program programs=() library
  mkdir -p "$root"/usr/{bin,sbin,lib,lib64} "$root"/etc/{frr,pam.d} "$root"/{tmp,root,proc,sys,dev,run} "$root"/var/{tmp,run/frr,log/frr}
  for name in bin sbin lib lib64; do ln -s "usr/$name" "$root/$name"; done
  for name in bash cat chmod chown cp date dirname basename env flock grep head id install ls mkdir mv readlink rm sed sleep stat tail touch tr uname wc awk; do
    programs+=("$(PATH=/usr/bin:/bin type -P "$name")")
  done
  for name in zebra bgpd bfdd staticd watchfrr; do programs+=("/usr/lib/frr/$name"); done
  programs+=(/usr/bin/vtysh /usr/bin/python3)
  local modules
  modules=$(dirname "$(ldd /usr/bin/vtysh | sed -n 's/.* => \(.*libpam\.so\.[0-9]*\) .*/\1/p')")/security
  programs+=("$modules/pam_permit.so")
  for program in "${programs[@]}" /usr/lib/frr/{frrcommon.sh,watchfrr.sh,frr-reload.py}; do keep_file "$root" "$program"; done
  # MetalLB's commands are written for bash.
  cp -L /bin/bash "$root/usr/bin/sh"
  python_library "$root"
  # Everything that the programs and Python's own modules load.
  find "$root/usr/lib/python3"* -name '*.so' > "$root/../loaded"
  printf '%s\n' "${programs[@]}" >> "$root/../loaded"
  xargs ldd < "$root/../loaded" 2> /dev/null | sed -n 's#^\t[^/]*\(/[^ ]*\) (.*#\1#p' | sort -u | while read -r library; do keep_file "$root" "$library"; done

  # MetalLB copies its configuration as user 100 and group 101, which are FRR's in the image that it is made for.
  printf '%s\n' 'root:x:0:0:root:/root:/bin/bash' 'frr:x:100:101:frr:/var/run/frr:/bin/false' > "$root/etc/passwd"
  printf '%s\n' 'root:x:0:' 'frr:x:101:frr' 'frrvty:x:102:frr' > "$root/etc/group"
  printf '%s\n' 'passwd: files' 'group: files' > "$root/etc/nsswitch.conf"
  # Debian's vtysh asks PAM who may use it.
  printf '%s sufficient pam_permit.so\n' auth account session > "$root/etc/pam.d/frr"
  printf '#!/bin/bash\n. /usr/lib/frr/frrcommon.sh\nexec /usr/lib/frr/watchfrr $(daemon_list)\n' > "$root/usr/lib/frr/docker-start"
  printf '#!/bin/bash\nshift\nexec "$@"\n' > "$root/usr/sbin/tini"
  chmod 755 "$root/usr/lib/frr/docker-start" "$root/usr/sbin/tini"
  chmod 1777 "$root/tmp" "$root/var/tmp"
  chown -R 100:101 "$root/etc/frr" "$root/var/run/frr" "$root/var/log/frr"
}

# keep_file ROOT FILE: FILE at the same place below ROOT, whatever links lead to it.
keep_file() {
  local place
  place=$(realpath "$(dirname "$2")")
  mkdir -p "$1$place"
  cp -L --preserve=mode "$2" "$1$place/"
}

python_library() {
  local root=$1 library
  library=$(/usr/bin/python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
  mkdir -p "$root$library"
  (cd "$library" && tar -c --exclude=__pycache__ --exclude=./test --exclude=./idlelib --exclude=./ensurepip --exclude=./tkinter --exclude='./config-*' --exclude=./lib2to3 .) |
    tar -x -C "$root$library"
}

# build_frr_mode DIRECTORY: what MetalLB's speaker needs in FRR mode besides itself: FRR, the exporter of its metrics, the reloader's script, and
# since v0.14 a program that copies the last two; before, that was done with a shell in the speaker's image.
build_frr_mode() {
  local tmp=$1 version=$LAB_METALLB module tools=(metrics) parts=() shell=
  module=$(metallb_module "$tmp")
  if [ -e "$module/frr-tools/cp-tool" ]; then tools+=(cp-tool); else shell=yes; fi
  if [ ! -e "$TAR/frr.tar" ] || { [ -n "$shell" ] && [ ! -e "$TAR/speaker-$version-frr.tar" ]; }; then
    say "making the image of FRR $(frr_version)"
    frr_files "$tmp/root"
  fi
  if [ ! -e "$TAR/frr.tar" ]; then
    python3 "$here/mkimage.py" "quay.io/frrouting/frr:$(frr_version)" "$TAR/frr.new" "/=$tmp/root" -- /bin/bash
    mv "$TAR/frr.new" "$TAR/frr.tar"
  fi
  if [ ! -e "$TAR/speaker-$version-frr.tar" ]; then
    say "building what MetalLB $version needs beside FRR"
    tools=("${tools[@]/#/go.universe.tf/metallb/frr-tools/}")
    GOBIN=$tmp CGO_ENABLED=0 nice -n 10 go install -ldflags='-s -w' "${tools[@]/%/@$version}"
    parts=("/speaker=$BIN/speaker-$version" "/frr-metrics=$tmp/metrics" "/frr-reloader.sh=$module/frr-tools/reloader/frr-reloader.sh")
    if [ -n "$shell" ]; then parts=("/=$tmp/root" "${parts[@]}"); else parts+=("/cp-tool=$tmp/cp-tool" /tmp=); fi
    python3 "$here/mkimage.py" "quay.io/metallb/speaker:$version" "$TAR/speaker.new" "${parts[@]}" -- /speaker
    mv "$TAR/speaker.new" "$TAR/speaker-$version-frr.tar"
  fi
}
