#!/usr/bin/env python3
"""stub API server for speaker-log cases: stub.py CASE-DIR [lbdiag args...]; CASE-DIR/case.json + CASE-DIR/<node>.log
Besides what every case has, case.json may hold container (containerStatuses by node), l2spec, nodespec; <node>.previous.log"""
import http.server, json, os, pathlib, subprocess, sys, threading, tempfile
D=pathlib.Path(sys.argv[1]); T=pathlib.Path(tempfile.mkdtemp()); C=json.loads((D/'case.json').read_text())
VER=C['version']; NODES=C['nodes']; VIP=C.get('vip','192.0.2.100'); NS=C.get('namespace','metallb-system')
POD={n:f"speaker-{n}" for n in NODES}
def speaker(n):
    env=[{"name":"METALLB_NODE_NAME"}]
    if C.get('memberlist',True): env.append({"name":"METALLB_ML_BIND_ADDR"})
    env+=C.get('env',[])
    c={"name":"speaker","image":f"quay.io/metallb/speaker:v{VER}","env":env,"args":C.get('args',["--port=7472","--log-level=info"])}
    st={"phase":"Running","podIP":"198.51.100.1%d"%NODES.index(n),"containerStatuses":[{"name":"speaker","ready":True,"restartCount":0,"state":{"running":{"startedAt":C.get('started',"2026-11-30T08:00:00Z")}},"containerID":f"containerd://{n}",**C.get('container',{}).get(n,{})}],"conditions":[{"type":"Ready","status":str(C.get('container',{}).get(n,{}).get('ready',True))}]}
    return {"apiVersion":"v1","kind":"Pod","metadata":{"namespace":NS,"name":POD[n],"uid":n,"labels":{"app":"metallb","component":"speaker"},"ownerReferences":[{"apiVersion":"apps/v1","kind":"DaemonSet","name":"speaker","uid":"ds"}]},"spec":{"nodeName":n,"containers":[c]},"status":st}
svc={"metadata":{"namespace":"web","name":"s0","uid":"s0"},"spec":{"type":"LoadBalancer","externalTrafficPolicy":C.get('etp','Cluster'),"ipFamilies":["IPv4"],"clusterIP":"203.0.113.10","selector":{"app":"web"},"ports":[{"port":443,"protocol":"TCP"}],**C.get("svcspec",{})},"status":{"loadBalancer":{"ingress":[{"ip":VIP}]}}}
eps={"metadata":{"namespace":"web","name":"s0-1","labels":{"kubernetes.io/service-name":"s0"}},"addressType":"IPv4","ports":[{"name":"","port":443,"protocol":"TCP"}],"endpoints":[{"addresses":["198.51.100.20%d"%i],"nodeName":n,"conditions":{"ready":True}} for i,n in enumerate(C.get('eps',[NODES[0]]))]}
own=lambda name,spec:{"metadata":{"namespace":NS,"name":name},"spec":spec}
L={"services":[svc],"endpointslices":[eps],"pods":[speaker(n) for n in NODES],"nodes":[{"metadata":{"name":n,"labels":C.get('labels',{}).get(n,{})},"spec":C.get('nodespec',{}).get(n,{}),"status":{"conditions":[{"type":"Ready","status":"True"}],"addresses":[{"type":"InternalIP","address":"198.51.100.1%d"%i}]}} for i,n in enumerate(NODES)],
 "daemonsets":[{"metadata":{"namespace":NS,"name":"speaker","uid":"ds"},"spec":{"selector":{"matchLabels":{"app":"metallb","component":"speaker"}},"template":{"metadata":{"labels":{"app":"metallb","component":"speaker"}},"spec":{"containers":[]}}},"status":{"desiredNumberScheduled":len(NODES),"numberReady":len(NODES)-len(C.get('container',{}))}}]}
if C.get('crds',True):
    L["ipaddresspools"]=[own("default",{"addresses":["192.0.2.100-192.0.2.120"]})]
    if C.get('l2',True): L["l2advertisements"]=[own("default",C.get("l2spec",{}))]
    for k in ('bgpadvertisements','bgppeers','bfdprofiles'): L[k]=[own(x['name'],x['spec']) for x in C.get(k,[])]
L["events"]=C.get('events',[])
L["servicel2statuses"]=C.get('l2status',[])
L["configmaps"]=C.get('configmaps',[])
class H(http.server.BaseHTTPRequestHandler):
    protocol_version="HTTP/1.1"
    def log_message(self,*a): pass
    def out(self,v,code=200,t="application/json"):
        b=v if isinstance(v,bytes) else json.dumps(v).encode()
        self.send_response(code); self.send_header("Content-Type",t); self.send_header("Content-Length",str(len(b))); self.end_headers(); self.wfile.write(b)
    def do_GET(self):
        path,_,q=self.path.partition("?"); p=path.strip("/").split("/")
        open(T/'requests','a').write(self.path+"\n")
        if p==["version"]: return self.out({"major":"1","minor":"27","gitVersion":"v1.27.0"})
        if p==["api"]: return self.out({"kind":"APIVersions","versions":["v1"]})
        if p==["apis"]: return self.out({"kind":"APIGroupList","apiVersion":"v1","groups":[]})
        if p[-1]=="log":
            n=p[-2].removeprefix("speaker-"); f=D/f"{n}.log"
            if "previous=true" in q:
                f=D/f"{n}.previous.log"
                if not f.exists(): return self.out({"kind":"Status","code":400,"message":"previous terminated container not found"},400)
            return self.out(f.read_bytes() if f.exists() else b"",200,"text/plain")
        if p[-1]=="metrics" or "proxy" in p: return self.out({"kind":"Status","code":403,"reason":"Forbidden"},403)
        r=p[-1]
        if "metallb.io" in p and not C.get('crds',True): return self.out({"kind":"Status","code":404,"reason":"NotFound","message":"the server could not find the requested resource"},404)
        if r in ("secrets",): return self.out({"kind":"Status","code":403,"reason":"Forbidden"},403)
        if len(p)>=2 and p[-2] in L:
            for o in L[p[-2]]:
                if o["metadata"]["name"]==r: return self.out(o)
            return self.out({"kind":"Status","code":404,"reason":"NotFound"},404)
        self.out({"kind":"List","apiVersion":"v1","metadata":{},"items":L.get(r,[])})
s=http.server.ThreadingHTTPServer(("127.0.0.1",0),H); threading.Thread(target=s.serve_forever,daemon=True).start()
kc=T/"kubeconfig"; kc.write_text(json.dumps({"apiVersion":"v1","kind":"Config","current-context":"x","contexts":[{"name":"x","context":{"cluster":"x","user":"x"}}],"clusters":[{"name":"x","cluster":{"server":f"http://127.0.0.1:{s.server_port}"}}],"users":[{"name":"x","user":{}}]}))
(T/'requests').write_text("")
a=sys.argv[2:] or ["run",os.environ.get("CHECKOUT",".")+"/examples/who-announces.rhai","--set","namespace=web","--set","service=s0","-q"]
r=subprocess.run([os.environ.get("LBDIAG","target/release/lbdiag"),*a],env={**os.environ,"KUBECONFIG":str(kc)},stdout=subprocess.PIPE,stderr=subprocess.STDOUT,text=True,timeout=60)
print(r.stdout[-6000:]); print("exit",r.returncode)
