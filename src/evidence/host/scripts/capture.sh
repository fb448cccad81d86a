# capture.sh KIND IDS IPS INTERFACE FILTER SNAPLEN PACKETS TAG: packets to standard output, in pcap form.
# How it is stopped and bounded in time is the guard's matter.
enter_place "$1" "$2" "$3"
command -v tcpdump >/dev/null 2>&1 || { echo 'lbdiag-refused tool: tcpdump' >&2; exit 96; }
# A frame of `any` tells its interface by number alone, and numbers differ from namespace to namespace.
$IN ip -o link 2>/dev/null | while IFS=': ' read -r index name _; do
  echo "lbdiag-link $index ${name%%@*}" >&2
done
# -z without -C or -G does nothing; it puts the run's tag where a sweep finds it. -Z root: the user that a distribution's
# tcpdump would change to may be missing.
exec $IN tcpdump -i "$4" -n -U -w - --immediate-mode -s "$6" -B 32768 --time-stamp-precision=nano -c "$7" -Z root -z "$8" -- "$5"
