# Asks a Service as its users would: tries connections side by side, each from a source port of its own. `$IN` enters the network
# namespace to ask from; it is empty for the host's own.
# $1 address  $2 port  $3 https|http|tls|tcp|udp  $4 tries  $5 seconds a try may take  $6 bytes of the large request
# and then any of NAME=VALUE: sni=NAME  host=HOST  path=/PATH  payload=HEX (of a datagram)  sizes=BYTES,... (of the request)
# ports=FIRST-LAST (source ports that nobody else of the run takes; every fourth try asks from one of the kernel's instead)
# quiet=SECONDS (after which connections that nobody answered are not waited for, once all others are over; python3 alone goes by it)
# Prints one line a try, fields parted by tabs (the size is a number where sizes were asked for):
#   try NUMBER small|large|BYTES SOURCE-ADDRESS SOURCE-PORT ENDING HTTP-STATUS CONNECT-MS TOTAL-MS DETAIL CERTIFICATE ANSWERED-BYTES
# CERTIFICATE is the number of the one that was shown, counted from 1 in the order of their lines; both of the last may be empty or missing.
# Where the kernel has no source port left: ports FIRST LAST RESERVED USED (its range, those that it keeps back, and how many are bound)
# first a line: tool NAME, and for TLS: cert BASE64 (DER) once a certificate, or: nocert WHY
if command -v python3 >/dev/null 2>&1; then
  echo 'tool	python3'
  exec $IN python3 -I -c '
import sys, base64, errno, os, select, socket, threading, time
address, port, speech, tries, limit, large = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), float(sys.argv[5]), int(sys.argv[6])
told = dict(word.split("=", 1) for word in sys.argv[7:])
shown_host = told.get("host") or ("[%s]" % address if ":" in address else address)
path = told.get("path") or "/"
dns = b"\x6c\x62\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01"
payload = bytes.fromhex(told["payload"]) if "payload" in told else dns if port == 53 else b"lbdiag probe\n"
shown, shown_once = {}, set()
# Of an answer no more is read: it is enough for several full packets, and too little for a burden.
most = 16384
if speech in ("https", "tls"):
    import ssl
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
family = socket.AF_INET6 if ":" in address else socket.AF_INET
lock = threading.Lock()
# A connection table keeps what was not answered for two minutes, and leads the same ports where it led them then: no port is taken
# again within that time. Who starts several places gives each its own.
first = 20000 + int(time.time()) * 83 % 9900
base, last = (int(port) for port in told["ports"].split("-")) if "ports" in told else (first, first + 2000)
taken = [0]
# Tries whose connection nobody has answered, with when they began and their source port; and those that are not waited for any more.
unanswered, given_up = {}, set()

def bound(kind, by_kernel):
    # The port is chosen here, so that it is known even when no connection comes to be.
    if by_kernel:
        s = socket.socket(family, kind)
        s.settimeout(limit)
        try:
            s.bind(("", 0))
            return s, s.getsockname()[1]
        except OSError as e:
            if e.errno != errno.EADDRINUSE:
                raise
            # A port that is bound towards another address may do for this one: programs let connecting choose.
            return s, 0
    while True:
        with lock:
            number = base + taken[0]
            taken[0] += 1
        s = socket.socket(family, kind)
        s.settimeout(limit)
        try:
            s.bind(("", number))
            return s, number
        except OSError as e:
            s.close()
            if e.errno not in (errno.EADDRINUSE, errno.EACCES) or number >= last:
                raise

def tell_ports(kind):
    # How many ports the kernel may choose from, and how many of them are bound.
    try:
        first, last = (int(one) for one in open("/proc/sys/net/ipv4/ip_local_port_range").read().split())
        reserved = open("/proc/sys/net/ipv4/ip_local_reserved_ports").read().strip()
        used = set()
        for name in (kind, kind + "6"):
            if os.path.exists("/proc/self/net/" + name):
                for line in list(open("/proc/self/net/" + name))[1:]:
                    number = int(line.split()[1].rsplit(":", 1)[1], 16)
                    if first <= number <= last:
                        used.add(number)
    except (OSError, ValueError):
        return
    with lock:
        if "ports" not in shown_once:
            shown_once.add("ports")
            print("ports\t%d\t%d\t%s\t%d" % (first, last, reserved, len(used)), flush=True)

def request(size):
    # One more parameter of the query makes it as large as it is to be.
    text = "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: lbdiag\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    longer = path + ("&" if "?" in path else "?") + "lbdiag="
    if size == "small":
        return (text % (path, shown_host)).encode()
    if size == "large":
        return (text % (longer + "x" * large, shown_host)).encode()
    short = (text % (path, shown_host)).encode()
    missing = int(size) - len(text % (longer, shown_host))
    return short if int(size) <= len(short) else (text % (longer + "x" * max(0, missing), shown_host)).encode()

def own_address():
    try:
        # Which address the kernel would take: a UDP connect sends nothing.
        u = socket.socket(family, socket.SOCK_DGRAM)
        u.connect((address, port))
        source = u.getsockname()[0]
        u.close()
        return source
    except OSError:
        return ""

def tell(number, size, source, sport, ending, status, connect, total, detail, certificate="", answer=""):
    print("\t".join(["try", str(number), size, source, str(sport), ending, status, connect, str(total), detail, str(certificate), str(answer)]), flush=True)

def show(s):
    der = s.getpeercert(binary_form=True)
    with lock:
        if der and der not in shown and len(shown) < 8:
            shown[der] = len(shown) + 1
            print("cert\t" + base64.b64encode(der).decode(), flush=True)
        return shown.get(der, "")

def owed(got):
    # What an HTTP answer says itself is still to come, as a text; empty where it goes on without a promise, None where it is over or does
    # not tell.
    head, end, body = got.partition(b"\r\n\r\n")
    if not end:
        return "the end of its head"
    lines = head.split(b"\r\n")
    if lines[0][9:12] in (b"204", b"304") or lines[0][9:10] == b"1":
        return None
    fields = dict((name.strip().lower(), value.strip()) for name, value in (line.split(b":", 1) for line in lines[1:] if b":" in line))
    if b"chunked" in fields.get(b"transfer-encoding", b"").lower():
        at = 0
        while at < len(body):
            end = body.find(b"\r\n", at)
            if end < 0:
                return "the rest of a chunk"
            try:
                size = int(body[at:end].split(b";")[0][:12], 16)
            except ValueError:
                return None
            at = end + 2 + size + 2
            if size == 0:
                return None
            if at > len(body):
                return "%d bytes of a chunk of %d" % (at - len(body), size)
        return ""
    length = fields.get(b"content-length", b"")[:12]
    missing = int(length) - len(body) if length.isdigit() else 0
    return "%d of the %d bytes that it announced" % (missing, int(length)) if missing > 0 else None

ENDINGS = {errno.ENETUNREACH: "no-route", errno.EADDRNOTAVAIL: "no-route", errno.EHOSTUNREACH: "host-unreachable", errno.ECONNREFUSED: "refused", errno.EPERM: "could-not-ask"}
# What connecting says where a route or a policy rule prohibits the address, or swallows it.
PROHIBITED = (errno.EACCES, errno.EINVAL)

# How long a plain connection is watched for being ended by the other side, in seconds.
hangs_up_within = 0.3

def one(number, size):
    start = time.monotonic()
    connected = None
    source, sport, ending, status, detail, certificate, answer = "", 0, "could-not-ask", "", "", "", ""
    stage = "connect"
    s = None
    try:
        # Programs ask from the ports that the kernel chooses, and somebody on the way may treat those otherwise than the ones of the range.
        s, sport = bound(socket.SOCK_DGRAM if speech == "udp" else socket.SOCK_STREAM, number % 4 == 0)
        if speech != "udp":
            with lock:
                unanswered[(number, size)] = (start, sport)
        s.connect((address, port))
        with lock:
            unanswered.pop((number, size), None)
        source = s.getsockname()[0]
        connected = time.monotonic()
        if speech == "udp":
            stage = "answer"
            s.send(payload + b"x" * (int(size) - len(payload) if size.isdigit() else 0))
            got = s.recv(65535)
            ending, detail = "answered", "%d bytes" % len(got)
        elif speech == "tcp":
            # Who accepts only to hang up has not answered. Who waits to be spoken to, or speaks, has.
            s.settimeout(max(0.05, min(hangs_up_within, limit - (connected - start))))
            try:
                ending = "answered" if s.recv(1) else "closed"
            except socket.timeout:
                ending = "answered"
        else:
            if speech in ("https", "tls"):
                stage = "tls"
                s.settimeout(max(0.05, limit - (time.monotonic() - start)))
                s = context.wrap_socket(s, server_hostname=told.get("sni"))
                detail = s.version() or ""
                certificate = show(s)
            stage = "answer"
            s.settimeout(max(0.05, limit - (time.monotonic() - start)))
            got = b""
            if speech != "tls":
                s.sendall(request(size))
                heard, cut = time.monotonic(), ""
                while len(got) < 12 or (len(got) < most and got.startswith(b"HTTP/")):
                    promised = owed(got) if len(got) >= 12 else "the head"
                    if promised is None:
                        break
                    left = limit - (time.monotonic() - start)
                    # A stream of events may come to its next one in an hour.
                    s.settimeout(max(0.05, left if promised else min(0.5, left)))
                    try:
                        more = s.recv(4096)
                    except (socket.timeout, ConnectionResetError) as e:
                        if len(got) < 12:
                            raise
                        if not promised:
                            break
                        # What still comes is slow and no more than that.
                        silent = time.monotonic() - heard > limit / 4
                        cut = "answer-cut" if isinstance(e, ConnectionResetError) else "answer-stalls" if silent else ""
                        break
                    if not more:
                        cut = "answer-cut" if got and promised else ""
                        break
                    got += more
                    heard = time.monotonic()
                answer = len(got)
            if speech == "tls":
                ending = "answered"
            elif got.startswith(b"HTTP/") and got[9:12].isdigit():
                ending, status = cut or "answered", got[9:12].decode()
                detail = "missing: " + (owed(got) or "") if cut else detail
            elif got:
                ending = "http-mismatch"
            else:
                ending = "closed"
    except socket.timeout:
        ending = {"connect": "connect-timeout", "tls": "tls-timeout", "answer": "answer-timeout"}[stage]
    except ConnectionResetError as e:
        ending = "reset"
    except BrokenPipeError as e:
        ending = "reset"
    except OSError as e:
        reason = getattr(e, "reason", None) or ""
        if stage == "tls" and reason:
            detail = reason
            mismatch = reason in ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE", "UNSUPPORTED_PROTOCOL")
            ending = "tls-mismatch" if mismatch else "closed" if "EOF" in reason else "tls-alert"
        elif stage == "answer" and "ALERT" in reason:
            # With TLS 1.3 the other side refuses, such as who shows no certificate, only when the handshake is over.
            ending, detail = "tls-alert", reason
        elif connected is not None and (reason or "EOF" in str(e)):
            ending, detail = "closed", reason or str(e)
        elif stage == "answer" and speech != "udp" and e.errno == errno.ECONNREFUSED:
            ending = "reset"
        elif stage == "connect" and e.errno == errno.ETIMEDOUT:
            ending = "connect-timeout"
        elif e.errno == errno.ETIMEDOUT:
            ending = "answer-timeout"
        elif stage == "connect" and sport and e.errno in PROHIBITED:
            ending, detail = "no-route", str(e)
        elif stage == "connect" and not sport and e.errno in (errno.EADDRNOTAVAIL, errno.EADDRINUSE):
            detail = str(e)
            tell_ports("udp" if speech == "udp" else "tcp")
        else:
            ending = ENDINGS.get(e.errno, "could-not-ask")
            detail = str(e)
    except Exception as e:
        ending, detail = "could-not-ask", "%s: %s" % (type(e).__name__, e)
    finally:
        source = source or own_address()
        if s is not None:
            if not sport:
                try:
                    sport = s.getsockname()[1]
                except OSError:
                    pass
            s.close()
    now = time.monotonic()
    # That a connection is still there says nothing of how fast it came about.
    took = connected if speech == "tcp" and ending == "answered" else now
    detail = "".join(c if c.isprintable() else "?" for c in detail)[:200]
    with lock:
        unanswered.pop((number, size), None)
        if (number, size) not in given_up:
            tell(number, size, source, sport, ending, status, "" if connected is None else str(int((connected - start) * 1000)), int((took - start) * 1000), detail, certificate, answer)

sizes = told["sizes"].split(",") if "sizes" in told else ["small", "large"] if speech in ("https", "http") else ["small"]
threads = [threading.Thread(target=one, args=(n, size), daemon=True) for size in sizes for n in range(1, tries + 1)]
for t in threads: t.start()
end = time.monotonic() + limit + 3
if "quiet" in told:
    patience, source = float(told["quiet"]), own_address()
    while any(t.is_alive() for t in threads):
        with lock:
            now = time.monotonic()
            # One that was answered, even if by half of what it wants, is waited for like any other.
            if len(unanswered) == sum(t.is_alive() for t in threads) and all(now - start >= patience for start, _ in unanswered.values()):
                for (number, size), (start, sport) in sorted(unanswered.items()):
                    given_up.add((number, size))
                    tell(number, size, source, sport, "connect-timeout", "", "", int((now - start) * 1000), "nobody answered, and it was not waited for any longer")
                sys.stdout.flush()
                os._exit(0)
        time.sleep(0.02)
for t in threads: t.join(max(0.01, end - time.monotonic()))
sys.stdout.flush()
os._exit(0)
' "$@"
fi
# What python3 is told as NAME=VALUE, as variables.
sni='' host='' path=/ payload='' sizes='' ports=''
address=$1 port=$2 speech=$3 tries=$4 limit=$5 large=$6
shift 6
for word; do
  case $word in
    sni=*) sni=${word#*=} ;; host=*) host=${word#*=} ;; path=*) path=${word#*=} ;; payload=*) payload=${word#*=} ;; sizes=*) sizes=${word#*=} ;;
    ports=*) ports=${word#*=} ;;
  esac
done
case $address in *:*) bracketed="[$address]" ;; *) bracketed=$address ;; esac
# The first certificate in what is read, in one line.
certificate() {
  awk '/BEGIN CERTIFICATE/ && !n { n = 1; next } /END CERTIFICATE/ && n == 1 { n = 2 } n == 1 { gsub(/[^A-Za-z0-9+\/=]/, ""); printf "%s", $0 }'
}
if command -v curl >/dev/null 2>&1 && [ "$speech" != udp ] && [ "$speech" != tls ]; then
  echo 'tool	curl'
  [ -n "$ports" ] && next=${ports%-*} || next=$((20000 + ($(date +%s) * 83 + 4950) % 9900))
  # A kernel's own choice is not told of a connection that is not made, so one of its ports is chosen for it.
  read -r low high </proc/sys/net/ipv4/ip_local_port_range || { low=32768; high=60999; }
  kernels=$((low + ($(date +%s) * 83 + 1) % (high - low)))
  case $path in *\?*) longer="$path&lbdiag=" ;; *) longer="$path?lbdiag=" ;; esac
  header=${host:-$bracketed}
  one() { # number port path
    case $speech in
      https) [ -z "$sni" ] && url="https://$bracketed:$port$3" || url="https://$sni:$port$3" ;;
      http) url="http://$bracketed:$port$3" ;;
      *) url="telnet://$bracketed:$port" ;;
    esac
    [ -z "$sni" ] && resolve='' || resolve="$sni:$port:$bracketed"
    # What announces more than is wanted is answered: it is not fetched.
    out=$($IN curl -q -svkg --path-as-is --noproxy '*' --http1.1 --max-time "$limit" --max-filesize 65536 --local-port "$2" -A lbdiag -H "Host: $header" \
      ${resolve:+--resolve "$resolve"} -o /dev/null \
      -w '\n%{certs}\nlbdiag\t%{exitcode}\t%{local_ip}\t%{http_code}\t%{time_connect}\t%{time_total}\t%{errormsg}\n' "$url" </dev/null 2>&1)
    if [ "$speech" = https ] && [ "$1 $SIZE" = "1 $FIRST" ]; then
      der=$(printf '%s\n' "$out" | certificate)
      case $out in
        *'BEGIN CERTIFICATE'*) printf 'cert\t%s\n' "$der" ;;
        *'SSL connection using'*) echo 'nocert	curl is older than 7.88 and does not show it' ;;
      esac
    fi
    # Only the verbose text tells why a connection was not made.
    printf '%s\n' "$out" | awk -F '\t' -v n="$1" -v size="$SIZE" -v port="$2" -v speech="$speech" '
      /failed: / && !why { why = $0; sub(/.*failed: /, "", why) }
      $1 == "lbdiag" {
      code = $2; ip = $3; http = $4; connect = $5; total = $6; text = $7 " " why
      connected = (connect + 0 > 0); ending = "could-not-ask"
      if (code == 0) ending = "answered"
      else if (speech == "tcp" && connected && code != 56) ending = "answered"
      else if (code == 63 && http + 0 > 0) ending = "answered"
      else if (code == 18 || (code == 56 && http + 0 > 0)) ending = "answer-cut"
      else if (code == 28 && http + 0 > 0) ending = (text ~ /with [0-9]+ out of [0-9]+ bytes/ ? "answer-stalls" : "answered")
      else if (code == 7 && text ~ /[Rr]efused/) ending = "refused"
      else if (code == 7 && text ~ /Network is unreachable|Permission denied|Invalid argument/) ending = "no-route"
      else if (code == 7 && text ~ /No route to host/) ending = "host-unreachable"
      else if (code == 7 || (code == 28 && !connected)) ending = "connect-timeout"
      else if (code == 28 && speech == "https" && text ~ /SSL|TLS/) ending = "tls-timeout"
      else if (code == 28) ending = "answer-timeout"
      else if (code == 35 && text ~ /wrong version|unknown protocol|http request|packet length/) ending = "tls-mismatch"
      else if (code == 35 && text ~ /reset/) ending = "reset"
      else if (code == 35 && text ~ /alert/) ending = "tls-alert"
      else if (code == 35) ending = "closed"
      else if (code == 52) ending = "closed"
      else if (code == 56 && text ~ /alert/) ending = "tls-alert"
      else if (code == 56 && text ~ /eof|EOF/) ending = "closed"
      else if (code == 56) ending = "reset"
      else if (code == 1) ending = "http-mismatch"
      else if (connected) ending = "closed"
      gsub(/[^ -~]/, "?", text)
      printf "try\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", n, size, ip, port, ending, (http + 0 > 0 ? http : ""), (connected ? int(connect * 1000) : ""), total * 1000, substr(text, 1, 200) }'
  }
  case $speech in https | http) all='small large' ;; *) all=small ;; esac
  [ -z "$sizes" ] || all=$(printf '%s' "$sizes" | tr , ' ')
  FIRST=${all%% *}
  for SIZE in $all; do
    case $SIZE in
      small) asked=$path ;;
      large) asked=$longer$(printf "%${large}s" '' | tr ' ' x) ;;
      *) # Of the request 58 bytes are neither path nor host.
        missing=$((SIZE - 58 - ${#longer} - ${#header})); asked=$path
        [ "$missing" -lt 1 ] || asked=$longer$(printf "%${missing}s" '' | tr ' ' x) ;;
    esac
    N=1; while [ "$N" -le "$tries" ]; do
      if [ $((N % 4)) = 0 ]; then one "$N" "$kernels" "$asked" & kernels=$((kernels + 1 < high ? kernels + 1 : low))
      else one "$N" "$next" "$asked" & next=$((next + 1)); fi
      N=$((N + 1))
    done
  done
  wait; exit 0
fi
reads_bash() {
  command -v bash >/dev/null 2>&1 || { echo "error	the host has none of python3, curl and bash"; exit 0; }
}
if [ "$speech" = udp ]; then
  reads_bash
  [ -z "$sizes" ] || { echo 'error	datagrams of several sizes need python3 on the host'; exit 0; }
  echo 'tool	bash'
  [ -n "$payload" ] || { [ "$port" = 53 ] && payload=6c62010000010000000000000000020001 || payload=6c62646961672070726f62650a; }
  bytes=$(printf '%s' "$payload" | sed 's/../\\x&/g')
  # bash writes line by line, and dd all of it at once: one datagram.
  N=1; while [ "$N" -le "$tries" ]; do
    (
      out=$(timeout "$limit" $IN bash -c 'exec 3<>"/dev/udp/$1/$2" && printf "$3" | dd obs=65535 2>/dev/null >&3 && dd bs=65535 count=1 <&3 2>&1 >/dev/null' lbdiag "$address" "$port" "$bytes" 2>&1); status=$?
      case "$status $out" in
        0*) ending=answered ;; *refused*) ending=refused ;; *'etwork is unreachable'* | *'ermission denied'* | *'nvalid argument'*) ending=no-route ;; *'o route to host'*) ending=host-unreachable ;;
        *) ending=answer-timeout ;;
      esac
      printf 'try\t%s\tsmall\t\t0\t%s\t\t\t0\tby bash\n' "$N" "$ending"
    ) & N=$((N + 1))
  done
  wait
  exit 0
fi
if [ "$speech" = tls ] || { [ "$speech" = https ] && command -v openssl >/dev/null 2>&1; }; then
  command -v openssl >/dev/null 2>&1 || { echo 'error	a TLS handshake alone needs python3 or openssl on the host'; exit 0; }
  shaken() { timeout "$limit" $IN openssl s_client -connect "$bracketed:$port" ${sni:+-servername "$sni"} </dev/null 2>&1; }
fi
if [ "$speech" = tls ]; then
  echo 'tool	openssl'
  N=1; while [ "$N" -le "$tries" ]; do
    (
      out=$(shaken); status=$?
      case "$status $out" in
        *'BEGIN CERTIFICATE'*) ending=answered ;;
        *'wrong version'* | *'unknown protocol'* | *'packet length'*) ending=tls-mismatch ;; *alert*) ending=tls-alert ;;
        *CONNECTED*errno=104*) ending=reset ;; 124*CONNECTED*) ending=tls-timeout ;; *CONNECTED*) ending=closed ;;
        *refused*) ending=refused ;; *'etwork is unreachable'* | *'ermission denied'* | *'nvalid argument'*) ending=no-route ;; *'o route to host'*) ending=host-unreachable ;; *) ending=connect-timeout ;;
      esac
      [ "$N $ending" != '1 answered' ] || printf 'cert\t%s\n' "$(printf '%s\n' "$out" | certificate)"
      printf 'try\t%s\tsmall\t\t0\t%s\t\t\t0\tby openssl\n' "$N" "$ending"
    ) & N=$((N + 1))
  done
  wait
  exit 0
fi
reads_bash
# A connection is all that bash can tell of a TCP port; its source port is the kernel's choice and stays unknown.
[ "$host$sizes" = '' ] && [ "$path" = / ] || { echo 'error	an HTTP request needs python3 or curl on the host, and bash alone makes connections'; exit 0; }
echo 'tool	bash'
if [ "$speech" = https ]; then
  if command -v openssl >/dev/null 2>&1; then
    der=$(shaken | certificate); [ -z "$der" ] || printf 'cert\t%s\n' "$der"
  else
    echo 'nocert	the host has none of python3, curl and openssl'
  fi
fi
N=1; while [ "$N" -le "$tries" ]; do
  (
    # Read of what is there within that time: 1 is the connection's end, more than 128 that it is still there.
    out=$(timeout "$limit" $IN bash -c 'exec 3<>"/dev/tcp/$1/$2" || exit 1; read -r -t 0.3 -n 1 -u 3; [ $? != 1 ] || exit 9' lbdiag "$address" "$port" 2>&1); status=$?
    case "$status $out" in
      9*reset*) ending=reset ;; 9*) ending=closed ;;
      "0 "*) ending=answered ;; 124*) ending=connect-timeout ;; *refused*) ending=refused ;;
      *'etwork is unreachable'* | *'ermission denied'* | *'nvalid argument'*) ending=no-route ;; *'o route to host'*) ending=host-unreachable ;; *) ending=connect-timeout ;;
    esac
    printf 'try\t%s\tsmall\t\t0\t%s\t\t\t0\tby bash\n' "$N" "$ending"
  ) & N=$((N + 1))
done
wait
