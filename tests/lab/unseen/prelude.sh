# What these situations need besides the helpers of the usual faults.
. "$(dirname "${BASH_SOURCE[0]}")/../faults/prelude.sh"
# --- of these situations
# app_http 'PYTHON': the pods run a small HTTP server of plain text on 4180; PYTHON is what it does with a request (s = the handler, NODE = the pod's node)
app_http() { local src="import socketserver, time, os
from http.server import BaseHTTPRequestHandler as B
NODE = os.environ.get('NODE', '')
class H(B):
 protocol_version = 'HTTP/1.1'
 def log_message(s, *a): pass
 def do_GET(s):
  $1
 do_POST = do_GET
class T(socketserver.ThreadingTCPServer):
 allow_reuse_address = True
 daemon_threads = True
T(('0.0.0.0', 4180), H).serve_forever()"
  app_set "c['env'] = [{'name': 'NODE', 'valueFrom': {'fieldRef': {'fieldPath': 'spec.nodeName'}}}]; python('''$src''')"; }
