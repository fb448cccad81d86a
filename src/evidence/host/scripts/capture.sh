# capture.sh KIND IDS IPS INTERFACE FILTER SNAPLEN PACKETS TAG DIRECTION BUFFER: packets to standard output, in pcap form.
# INTERFACE is a name, `any`, or `towards ADDRESS`. How it is stopped and bounded in time is the guard's matter.
enter_place "$1" "$2" "$3"
command -v tcpdump >/dev/null 2>&1 || { echo 'lbdiag-refused tool: tcpdump' >&2; exit 96; }
interface=$4
case $interface in
  'towards '*)
    command -v ip >/dev/null 2>&1 || { echo 'lbdiag-refused tool: ip' >&2; exit 96; }
    way=$($IN ip -o route get "${interface#towards }" 2>&1)
    case $way in
      *' dev '*) interface=${way#* dev } interface=${interface%% *} ;;
      *) echo "no interface leads to ${interface#towards }: $way" >&2; exit 1 ;;
    esac
    echo "lbdiag-interface $interface" >&2
    ;;
esac
# A frame of `any` tells its interface by number alone, and numbers differ from namespace to namespace. A frame of one
# interface tells its way by its MACs alone.
$IN ip -o link 2>/dev/null | while IFS=': ' read -r index name rest; do
  mac=''
  case $rest in *'link/ether '*) mac=${rest#*link/ether } mac=" ${mac%% *}" ;; esac
  # What a port of a bridge carries for this host is addressed to the bridge.
  case $mac$rest in ' '*' master '*) master=${rest#* master } mac="$mac ${master%% *}" ;; esac
  echo "lbdiag-link $index ${name%%@*}$mac" >&2
done
# -z without -C or -G does nothing; it puts the run's tag where a sweep finds it. -Z root: the user that a distribution's
# tcpdump would change to may be missing.
exec $IN tcpdump -i "$interface" -n -U -w - --immediate-mode -s "$6" -B "${10}" -Q "$9" --time-stamp-precision=nano -c "$7" -Z root -z "$8" -- "$5"
