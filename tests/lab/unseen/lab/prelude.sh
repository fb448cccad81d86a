. "$(dirname "${BASH_SOURCE[0]}")/../prelude.sh"
# barepod NAME NODE: a pod that nobody owns and that the Service's selector takes
barepod() { k apply -f - <<< '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"'$1'","namespace":"stacklight","labels":{"app":"iam-proxy-alertmanager"}},"spec":{"nodeName":"'$2'","terminationGracePeriodSeconds":1,"containers":[{"name":"iam-proxy","image":"lab.local/app:1","imagePullPolicy":"IfNotPresent","args":["-listen",":4180"],"ports":[{"name":"https","containerPort":4180}]}]}}' && s wait --for=condition=Ready pod/$1 --timeout=60s; }
# macvlan_up, macvlan_down: the nodes' address of the service network lives on svc1, a macvlan over mlb, and is announced there
macvlan_up() { local n; for n in n1 n2 n3; do lab node $n sh -c 'a=$(ip -o -4 addr show mlb | sed "s/.*inet \([^ ]*\).*/\1/"); ip addr del $a dev mlb; ip link add svc1 link mlb type macvlan mode bridge; ip link set svc1 up; ip addr add $a dev svc1; ip route replace default via 10.88.64.1 dev svc1'; done
  sleep 12; l2adv '{"interfaces":["svc1"]}'; sleep 4; cold; }
macvlan_down() { local n; for n in n1 n2 n3; do lab node $n sh -c 'a=$(ip -o -4 addr show svc1 | sed "s/.*inet \([^ ]*\).*/\1/"); ip link del svc1; ip addr add $a dev mlb; ip route replace default via 10.88.64.1 dev mlb'; done
  l2adv '{"interfaces":["mlb"]}'; sleep 12; cold; }

# app_tls 'PYTHON' ['PYTHON of the name']: the pods run a small HTTPS server on 4180. PYTHON is what it does with a request (s = the handler);
# the second tells, by `name` (the server name that the client indicated, None without), which TLS alert to send: `a = 112`; none by default.
app_tls() { local pem src
  pem=$(openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=alertmanager.example.com -addext subjectAltName=DNS:alertmanager.example.com -keyout - 2>/dev/null)
  src="import ssl, socketserver, time, os
from http.server import BaseHTTPRequestHandler as B
open('/dev/shm/p.pem', 'w').write('$(printf '%s' "$pem" | tr '\n' '|')'.replace('|', chr(10)))
x = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); x.load_cert_chain('/dev/shm/p.pem')
def sni(sock, name, ctx):
 a = None
 ${2:-pass}
 return a
x.sni_callback = sni
class H(B):
 protocol_version = 'HTTP/1.1'
 def log_message(s, *a): pass
 def do_GET(s):
  $1
 do_POST = do_HEAD = do_GET
class T(socketserver.ThreadingTCPServer):
 allow_reuse_address = True
 daemon_threads = True
 request_queue_size = 64
 def get_request(s):
  c, a = s.socket.accept(); return x.wrap_socket(c, server_side=True, do_handshake_on_connect=False), a
 def handle_error(s, r, a): pass
T(('0.0.0.0', 4180), H).serve_forever()"
  app_set "python('''$src''')"; }
# txcsum PLACE INTERFACE 0|1: whether checksums of sent TCP segments are left to the card (ethtool -K INTERFACE tx on|off, without ethtool)
txcsum() { lab in "$1" python3 -c 'import sys, fcntl, socket, struct, ctypes
v = ctypes.create_string_buffer(struct.pack("II", 0x17, int(sys.argv[2])))
fcntl.ioctl(socket.socket(), 0x8946, struct.pack("16sP", sys.argv[1].encode(), ctypes.addressof(v)) + bytes(16))' "$2" "$3"; }
# speakers_again: all speakers anew, and wait until they are ready
speakers_again() { m rollout restart ds/speaker >/dev/null; m rollout status ds/speaker --timeout=100s >/dev/null; }
# pmtu_cold: what the pods and clients learnt of path MTUs is forgotten
pmtu_cold() { local p; for p in c1 c2 rt n1 n2 n3; do lab in $p ip route flush cache; done; for p in $POD_ANN $POD_FAR; do inpod $p ip route flush cache; done; true; }
# excludel2 FROM TO: one change in the list of interfaces on which speakers do not answer
excludel2() { local v; v=$(m get cm metallb-excludel2 -o jsonpath='{.data.excludel2\.yaml}'); m patch cm metallb-excludel2 --type=merge -p "$(V="${v/"$1"/"$2"}" python3 -c 'import json,os; print(json.dumps({"data":{"excludel2.yaml":os.environ["V"]+"\n"}}))')" >/dev/null; }
