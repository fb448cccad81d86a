# Asks a Service as its users would: tries connections side by side, each from a source port of its own. `$IN` enters the network
# namespace to ask from; it is empty for the host's own.
# $1 address  $2 port  $3 https|http|tcp|udp  $4 tries  $5 seconds a try may take  $6 bytes of the large request
# Prints one line a try, fields parted by tabs:
#   try NUMBER small|large SOURCE-ADDRESS SOURCE-PORT ENDING HTTP-STATUS CONNECT-MS TOTAL-MS DETAIL
# and first a line: tool NAME
if command -v python3 >/dev/null 2>&1; then
  echo 'tool	python3'
  exec $IN python3 -I -c '
import sys, errno, os, random, select, socket, threading, time
address, port, speech, tries, limit, large = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), float(sys.argv[5]), int(sys.argv[6])
if speech == "https":
    import ssl
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
family = socket.AF_INET6 if ":" in address else socket.AF_INET
lock = threading.Lock()
base = random.SystemRandom().randrange(20000, 30000)
taken = [0]

def bound(kind):
    # The port is chosen here, so that it is known even when no connection comes to be.
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
            if e.errno not in (errno.EADDRINUSE, errno.EACCES) or taken[0] > 2000:
                raise

ENDINGS = {errno.ENETUNREACH: "no-route", errno.EADDRNOTAVAIL: "no-route", errno.EHOSTUNREACH: "host-unreachable", errno.ECONNREFUSED: "refused", errno.EPERM: "could-not-ask"}

def one(number, size):
    start = time.monotonic()
    connected = None
    source, sport, ending, status, detail = "", 0, "could-not-ask", "", ""
    stage = "connect"
    s = None
    try:
        s, sport = bound(socket.SOCK_DGRAM if speech == "udp" else socket.SOCK_STREAM)
        s.connect((address, port))
        source = s.getsockname()[0]
        connected = time.monotonic()
        if speech == "udp":
            stage = "answer"
            if port == 53:
                s.send(b"\x6c\x62\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01")
            else:
                s.send(b"lbdiag probe\n")
            got = s.recv(4096)
            ending, detail = "answered", "%d bytes" % len(got)
        elif speech == "tcp":
            ending = "answered"
        else:
            if speech == "https":
                stage = "tls"
                s.settimeout(max(0.05, limit - (time.monotonic() - start)))
                s = context.wrap_socket(s)
                detail = s.version() or ""
            stage = "answer"
            s.settimeout(max(0.05, limit - (time.monotonic() - start)))
            host = "[%s]" % address if ":" in address else address
            path = "/" if size == "small" else "/?lbdiag=" + "x" * large
            s.sendall(("GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: lbdiag\r\nAccept: */*\r\nConnection: close\r\n\r\n" % (path, host)).encode())
            got = b""
            while len(got) < 12:
                more = s.recv(4096)
                if not more:
                    break
                got += more
            if got.startswith(b"HTTP/") and got[9:12].isdigit():
                ending, status = "answered", got[9:12].decode()
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
        elif stage == "tls" and "EOF" in str(e):
            ending = "closed"
        elif stage == "answer" and speech != "udp" and e.errno == errno.ECONNREFUSED:
            ending = "reset"
        elif stage == "connect" and e.errno == errno.ETIMEDOUT:
            ending = "connect-timeout"
        elif e.errno == errno.ETIMEDOUT:
            ending = "answer-timeout"
        else:
            ending = ENDINGS.get(e.errno, "could-not-ask")
            detail = str(e)
    except Exception as e:
        ending, detail = "could-not-ask", "%s: %s" % (type(e).__name__, e)
    finally:
        if not source:
            try:
                # Which address the kernel would take: a UDP connect sends nothing.
                u = socket.socket(family, socket.SOCK_DGRAM)
                u.connect((address, port))
                source = u.getsockname()[0]
                u.close()
            except OSError:
                pass
        if s is not None:
            s.close()
    now = time.monotonic()
    detail = "".join(c if c.isprintable() else "?" for c in detail)[:200]
    line = "\t".join(["try", str(number), size, source, str(sport), ending, status, "" if connected is None else str(int((connected - start) * 1000)), str(int((now - start) * 1000)), detail])
    with lock:
        print(line, flush=True)

sizes = ["small", "large"] if speech in ("https", "http") else ["small"]
threads = [threading.Thread(target=one, args=(n, size), daemon=True) for size in sizes for n in range(1, tries + 1)]
for t in threads: t.start()
end = time.monotonic() + limit + 3
for t in threads: t.join(max(0.01, end - time.monotonic()))
sys.stdout.flush()
os._exit(0)
' "$@"
fi
if command -v curl >/dev/null 2>&1; then
  echo 'tool	curl'
  r=$(od -An -N2 -tu2 /dev/urandom 2>/dev/null | tr -d ' ')
  base=$((20000 + ${r:-$$} % 10000)); next=$base
  big=$(printf "%${6}s" '' | tr ' ' x)
  case $1 in *:*) host="[$1]" ;; *) host=$1 ;; esac
  one() { # number size port path
    case $3 in https) url="https://$host:$2$5" ;; http) url="http://$host:$2$5" ;; *) url="telnet://$host:$2" ;; esac
    out=$($IN curl -svkq --noproxy '*' --http1.1 --max-time "$LIMIT" --local-port "$4" -o /dev/null \
      -w '\nlbdiag\t%{exitcode}\t%{local_ip}\t%{http_code}\t%{time_connect}\t%{time_total}\t%{errormsg}\n' "$url" </dev/null 2>&1)
    # Only the verbose text tells why a connection was not made.
    printf '%s\n' "$out" | awk -F '\t' -v n="$N" -v size="$SIZE" -v port="$4" -v speech="$3" '
      /failed: / && !why { why = $0; sub(/.*failed: /, "", why) }
      $1 == "lbdiag" {
      code = $2; ip = $3; http = $4; connect = $5; total = $6; text = $7 " " why
      connected = (connect + 0 > 0); ending = "could-not-ask"
      if (code == 0) ending = "answered"
      else if (speech == "tcp" && connected) ending = "answered"
      else if (code == 7 && text ~ /[Rr]efused/) ending = "refused"
      else if (code == 7 && text ~ /Network is unreachable/) ending = "no-route"
      else if (code == 7 && text ~ /No route to host/) ending = "host-unreachable"
      else if (code == 7 || (code == 28 && !connected)) ending = "connect-timeout"
      else if (code == 28 && speech == "https" && text ~ /SSL|TLS/) ending = "tls-timeout"
      else if (code == 28) ending = "answer-timeout"
      else if (code == 35 && text ~ /wrong version|unknown protocol|http request|packet length/) ending = "tls-mismatch"
      else if (code == 35 && text ~ /reset/) ending = "reset"
      else if (code == 35 && text ~ /alert/) ending = "tls-alert"
      else if (code == 35) ending = "closed"
      else if (code == 52) ending = "closed"
      else if (code == 56) ending = "reset"
      else if (code == 1) ending = "http-mismatch"
      gsub(/[^ -~]/, "?", text)
      printf "try\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", n, size, ip, port, ending, (http + 0 > 0 ? http : ""), (connected ? int(connect * 1000) : ""), total * 1000, substr(text, 1, 200) }'
  }
  LIMIT=$5
  [ "$3" != udp ] || { echo 'error	asking over UDP needs python3 on the host'; exit 0; }
  for SIZE in small large; do
    [ "$SIZE" = small ] || case $3 in https | http) ;; *) break ;; esac
    path=/; [ "$SIZE" = small ] || path="/?lbdiag=$big"
    N=1; while [ "$N" -le "$4" ]; do one "$N" "$2" "$3" "$next" "$path" & next=$((next + 1)); N=$((N + 1)); done
  done
  wait; exit 0
fi
if command -v bash >/dev/null 2>&1 && [ "$3" != udp ]; then
  # A connection is all that bash can tell of a TCP port; its source port is the kernel's choice and stays unknown.
  echo 'tool	bash'
  N=1; while [ "$N" -le "$4" ]; do
    out=$(timeout "$5" $IN bash -c 'exec 3<>"/dev/tcp/$1/$2"' lbdiag "$1" "$2" 2>&1); status=$?
    case "$status $out" in
      "0 "*) ending=answered ;; 124*) ending=connect-timeout ;; *refused*) ending=refused ;;
      *'etwork is unreachable'*) ending=no-route ;; *'o route to host'*) ending=host-unreachable ;; *) ending=connect-timeout ;;
    esac
    printf 'try\t%s\tsmall\t\t0\t%s\t\t\t0\tby bash\n' "$N" "$ending"; N=$((N + 1))
  done
  exit 0
fi
echo 'error	the host has none of python3, curl and bash'
