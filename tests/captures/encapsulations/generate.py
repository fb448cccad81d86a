#!/usr/bin/env python3
"""writes the captures beside it; no dependencies. One file is one place. Addresses of the lab: client 10.88.192.50, Service 10.88.64.100:443 on n2, pods 10.88.130.4 (n2) and 10.88.131.4 (n3), :4180."""
import struct,pathlib,zlib
H=pathlib.Path(__file__).parent
T0=1796083200
def ip(a): return bytes(map(int,a.split('.')))
def ck(b):
    if len(b)%2: b+=b'\0'
    s=sum(struct.unpack(f'>{len(b)//2}H',b))
    while s>>16: s=(s&0xffff)+(s>>16)
    return ~s&0xffff
def ip4(src,dst,proto,body,id=1,ttl=64,flags=0x4000,tot=None):
    h=struct.pack('>BBHHHBBH4s4s',0x45,0,len(body)+20 if tot is None else tot,id&0xffff,flags,ttl,proto,0,ip(src),ip(dst))
    return h[:10]+struct.pack('>H',ck(h))+h[12:]+body
F=dict(S=2,SA=0x12,A=0x10,PA=0x18,FA=0x11,R=4,RA=0x14)
def tcp(src,sp,dst,dp,seq,ack,fl,data=b'',ts=None,mss=None,win=502):
    o=b''
    if mss: o+=struct.pack('>BBH',2,4,mss)
    if ts: o+=struct.pack('>BBBBII',1,1,8,10,*ts)
    o+=b'\0'*(-len(o)%4)
    h=struct.pack('>HHIIBBHHH',sp,dp,seq&0xffffffff,ack&0xffffffff,(5+len(o)//4)<<4,F[fl],win,0,0)+o+data
    c=ck(ip(src)+ip(dst)+struct.pack('>BBH',0,6,len(h))+h)
    return h[:16]+struct.pack('>H',c)+h[18:]
def udp(src,sp,dst,dp,data,csum=True):
    h=struct.pack('>HHHH',sp,dp,8+len(data),0)+data
    c=ck(ip(src)+ip(dst)+struct.pack('>BBH',0,17,len(h))+h) if csum else 0
    return h[:6]+struct.pack('>H',c or (0xffff if csum else 0))+h[8:]
MAC=dict(c='020000000050',rt='020000000001',n2='020000000012',n3='020000000013',pod='02000000a004',v2='660000000002',v3='660000000003',br='02000000b001')
m=lambda x: bytes.fromhex(MAC[x])
def eth(d,s,body,t=0x0800): return m(d)+m(s)+struct.pack('>H',t)+body
def vxlan(inner,vni=4096): return struct.pack('>II',0x08000000,vni<<8)+inner
class P:
    def __init__(s): s.p=[]
    def add(s,t,b,orig=None): s.p.append((t,b,orig)); return s
def pcap(name,place,link=1):
    with open(H/name,'wb') as f:
        f.write(struct.pack('<IHHiIII',0xa1b2c3d4,2,4,0,0,262144,link))
        for t,b,o in sorted(place.p,key=lambda x:x[0]): f.write(struct.pack('<IIII',T0+int(t),int(round((t-int(t))*1e6)),len(b),o or len(b))+b)
# a connection as a list of (dt, direction, seq offset, ack offset, flags, payload length): direction c or s
HTTP=[(0,'c',0,0,'S',0),(.001,'s',0,1,'SA',0),(.0012,'c',1,1,'A',0),(.002,'c',1,1,'PA',200),(.003,'s',1,201,'PA',900),(.0032,'c',201,901,'A',0),(.004,'c',201,901,'FA',0),(.005,'s',901,202,'FA',0),(.0055,'c',202,902,'A',0)]
def conn(c,cp,s,sp,ci,si,t=0,script=HTTP,tsc=1000,tss=9000,shift=0,who='cs'):
    """IP packets of a connection as one place sees it: [(time, 'c'|'s', bytes)]"""
    out=[]
    for i,(dt,d,so,ao,fl,n) in enumerate(script):
        if d not in who: continue
        k=int((t+dt)*1000); pay=bytes((65+(so+j)%26) for j in range(n))
        if d=='c': b=ip4(c,s,6,tcp(c,cp,s,sp,ci+so,0 if fl=='S' else si+ao,fl,pay,(tsc+k,0 if fl=='S' else tss+k),1460 if 'S' in fl else None),id=100+i)
        else: b=ip4(s,c,6,tcp(s,sp,c,cp,si+so,ci+ao,fl,pay,(tss+k,tsc+k),1460 if 'S' in fl else None),id=500+i)
        out.append((t+dt+shift,d,b))
    return out
C,V,N2,N3,P2,P3,G2,X2='10.88.192.50','10.88.64.100','10.88.0.12','10.88.0.13','10.88.130.4','10.88.131.4','10.88.130.1','10.88.130.255'
front=lambda shift,**k: conn(C,40000,V,443,5000,7000,shift=shift,**k)      # before translation
back=lambda shift,src=G2,pod=P2,**k: conn(src,31000,pod,4180,5000,7000,shift=shift,**k)  # behind DNAT and masquerade
def put(place,pk,wrap): 
    for t,d,b in pk: place.add(t,wrap(d,b))
plain=lambda a,b: (lambda d,x: eth(b,a,x) if d=='c' else eth(a,b,x))

# h01 PPPoE at the client, plain at the pod
cl,po=P(),P()
put(cl,front(0),lambda d,b: eth('rt' if d=='c' else 'c','c' if d=='c' else 'rt',struct.pack('>BBHHH',0x11,0,7,len(b)+2,0x0021)+b,0x8864))
put(po,back(.0004),plain('br','pod')); pcap('h01-client-pppoe.pcap',cl); pcap('h01-pod.pcap',po)
# h02 LLC/SNAP at the switch
sw,po=P(),P()
def snap(d,b):
    body=b'\xaa\xaa\x03\0\0\0\x08\0'+b; a,z=('rt','n2') if d=='c' else ('n2','rt')
    return m(z)+m(a)+struct.pack('>H',len(body))+body
put(sw,front(.0001),snap); put(po,back(.0004),plain('br','pod')); pcap('h02-switch-snap.pcap',sw); pcap('h02-pod.pcap',po)
# h03 WireGuard between n2 and n3: n3's file holds nothing but what is encrypted
cl,n2,n3,po=P(),P(),P(),P(); k=0
put(cl,front(0),plain('c','rt')); put(n2,front(.0001),plain('rt','n2'))
for t,d,b in back(.0002,src='10.88.140.2',pod=P3):
    k+=1; enc=bytes((b[i%len(b)]*31+i*7+k*13)&255 for i in range((len(b)+15)//16*16+16))
    w=struct.pack('<IIQ',4,0x1111 if d=='c' else 0x2222,k)+enc
    a,z=(N2,N3) if d=='c' else (N3,N2)
    x=ip4(a,z,17,udp(a,51820,z,51820,w),id=700+k); p=(eth('n3','n2',x) if d=='c' else eth('n2','n3',x))
    n2.add(t,p); n3.add(t+.0001,p)
put(po,back(.0005,src='10.88.140.2',pod=P3),plain('br','pod'))
for n,x in (('client',cl),('n2',n2),('n3-wireguard-only',n3),('pod',po)): pcap(f'h03-{n}.pcap',x)
# h04 ERSPAN (type II in GRE 0x88be) from a switch's mirror
mi,po=P(),P(); k=0
for t,d,b in front(.0001):
    k+=1; fr=plain('rt','n2')(d,b)
    gre=struct.pack('>HHI',0x1000,0x88be,k)+struct.pack('>II',0x10000000|(100<<16)|5,0)+fr
    mi.add(t,eth('n3','rt',ip4('10.88.64.1','10.88.64.99',47,gre,id=900+k,flags=0)))
put(po,back(.0004),plain('br','pod')); pcap('h04-mirror-erspan.pcap',mi); pcap('h04-pod.pcap',po)
# h05 an old connection's port is used again: challenge ACK, reset, the SYN again
SC=[(0,'c',0,0,'S',0),(.0003,'s',-3000,-8000,'A',0),(.0005,'c',-8000,0,'R',0),(1.0,'c',0,0,'S',0)]+[(1.0+dt,d,so,ao,fl,n) for dt,d,so,ao,fl,n in HTTP[1:]]
n2,po=P(),P(); put(n2,front(0,script=SC),plain('rt','n2')); put(po,back(.0002,script=SC),plain('br','pod')); pcap('h05-n2.pcap',n2); pcap('h05-pod.pcap',po)
# h06 two clients with one initial number (a small device's stack), seen in another order behind the node
A,B='10.88.192.50','10.88.192.51'
n2,po=P(),P()
pa=dict(tsc=1000,tss=9000); pb=dict(tsc=880000,tss=9000)
put(n2,conn(A,40000,V,443,4096,7000,**pa),plain('rt','n2')); put(n2,conn(B,40000,V,443,4096,123456,shift=.0001,**pb),plain('rt','n2'))
put(po,conn(G2,31001,P2,4180,4096,7000,shift=.0006,**pa),plain('br','pod')); put(po,conn(G2,31002,P2,4180,4096,123456,shift=.0002,**pb),plain('br','pod'))
pcap('h06-n2.pcap',n2); pcap('h06-pod.pcap',po)
# h07 SCTP with DNAT and masquerade
def crc32c(b):
    c=0xffffffff
    for x in b:
        c^=x
        for _ in range(8): c=(c>>1)^(0x82f63b78 if c&1 else 0)
    return c^0xffffffff
def sctp(sp,dp,tag,chunks):
    h=struct.pack('>HHII',sp,dp,tag,0)+chunks; return h[:8]+struct.pack('<I',crc32c(h))+h[12:]
def chunk(t,fl,body): x=struct.pack('>BBH',t,fl,4+len(body))+body; return x+b'\0'*(-len(x)%4)
TC,TS=0xaabbccdd,0x11223344
S=[(0,'c',0,chunk(1,0,struct.pack('>IIHHI',TC,65535,10,10,77))),(.001,'s',TC,chunk(2,0,struct.pack('>IIHHI',TS,65535,10,10,88)+struct.pack('>HH',7,20)+b'k'*16)),(.002,'c',TS,chunk(10,0,b'k'*16)),(.003,'s',TC,chunk(11,0,b'')),
   (.004,'c',TS,chunk(0,3,struct.pack('>IHHI',77,0,0,46)+b'diameter')),(.005,'s',TC,chunk(3,0,struct.pack('>IIHH',77,65535,0,0))),(.006,'s',TC,chunk(0,3,struct.pack('>IHHI',88,0,0,46)+b'answer!!')),(.007,'c',TS,chunk(3,0,struct.pack('>IIHH',88,65535,0,0))),(.008,'c',TS,chunk(7,0,struct.pack('>I',88))),(.009,'s',TC,chunk(8,0,b'')),(.010,'c',TS,chunk(14,0,b''))]
def assoc(c,cp,s,sp,shift):
    return [(t+shift,d,ip4(c,s,132,sctp(cp,sp,tag,x),id=300+i) if d=='c' else ip4(s,c,132,sctp(sp,cp,tag,x),id=600+i)) for i,(t,d,tag,x) in enumerate(S)]
n2,po=P(),P(); put(n2,assoc(C,45000,V,3868,0),plain('rt','n2')); put(po,assoc(G2,32000,P2,3868,.0003),plain('br','pod')); pcap('h07-n2-sctp.pcap',n2); pcap('h07-pod-sctp.pcap',po)
# h08 one pcapng with two interfaces: Ethernet in nanoseconds, raw IP in milliseconds-and-an-offset
def block(t,b): b+=b'\0'*(-len(b)%4); n=12+len(b); return struct.pack('<II',t,n)+b+struct.pack('<I',n)
def opt(c,v): return struct.pack('<HH',c,len(v))+v+b'\0'*(-len(v)%4)
ng=block(0x0a0d0d0a,struct.pack('<IHHq',0x1a2b3c4d,1,0,-1))
ng+=block(1,struct.pack('<HHI',1,0,262144)+opt(2,b'mlb')+opt(9,b'\x09')+opt(0,b''))
ng+=block(1,struct.pack('<HHI',101,0,262144)+opt(2,b'tun0')+opt(9,b'\x06')+opt(14,struct.pack('<q',T0-1000))+opt(0,b''))
ev=[(t,0,plain('rt','n2')(d,b)) for t,d,b in front(0)]+[(t,1,b) for t,d,b in back(.0004)]
for t,i,b in sorted(ev,key=lambda x:x[0]):
    v=int(round((T0+t)*10**9)) if i==0 else int(round((1000+t)*10**6))
    if i==0: v=T0*10**9+int(round(t*10**9))
    ng+=block(6,struct.pack('<IIIII',i,v>>32,v&0xffffffff,len(b),len(b))+b)
(H/'h08-two-interfaces.pcapng').write_bytes(ng)
# h09 a link type that nobody knows (147, USER0) at the node, between client and pod
cl,n2,po=P(),P(),P(); put(cl,front(0),plain('c','rt')); put(n2,front(.0001),lambda d,b: b'\x5a\x00\x00\x01'+b); put(po,back(.0004),plain('br','pod'))
pcap('h09-client.pcap',cl); pcap('h09-n2-user0.pcap',n2,147); pcap('h09-pod.pcap',po)
# h10 one great segment (IP total length 0, as TSO and BIG TCP show it; 96 bytes kept) at n2, small ones at the client
n=5*1448
BIG=HTTP[:4]+[(.003,'s',1,201,'PA',n),(.0038,'c',201,1+n,'A',0),(.004,'c',201,1+n,'FA',0),(.005,'s',1+n,202,'FA',0),(.0055,'c',202,2+n,'A',0)]
SML=HTTP[:4]+[(.003+i*.00002,'s',1+i*1448,201,'PA' if i==4 else 'A',1448) for i in range(5)]+BIG[5:]
cl,n2=P(),P(); put(cl,front(.0003,script=SML),plain('c','rt'))
for (t,d,b),(dt,_,_,_,_,ln) in zip(front(0,script=BIG),BIG):
    if ln==n: b=b[:2]+b'\0\0'+b[4:]; b=b[:10]+b'\0\0'+b[12:]; b=b[:10]+struct.pack('>H',ck(b[:20]))+b[12:]
    f=plain('rt','n2')(d,b); n2.add(t,f[:96],len(f))
pcap('h10-client.pcap',cl); pcap('h10-n2-total-length-0.pcap',n2)
# h11 a proxy at n2: two connections of TCP's own with the same bytes in them, and by chance the same first number of the client
n2,po=P(),P(); put(n2,conn(C,40000,V,443,5000,7000),plain('rt','n2'))
px=[(.0015,'c',0,0,'S',0),(.0018,'s',0,1,'SA',0),(.0019,'c',1,1,'A',0),(.0021,'c',1,1,'PA',200),(.0027,'s',1,201,'PA',900),(.0028,'c',201,901,'A',0),(.0045,'c',201,901,'FA',0),(.0047,'s',901,202,'FA',0),(.0048,'c',202,902,'A',0)]
put(n2,conn(N2,52000,P2,4180,5000,999000,script=px,tsc=500000,tss=77000),plain('br','pod')); put(po,conn(N2,52000,P2,4180,5000,999000,script=px,tsc=500000,tss=77000,shift=.0001),plain('br','pod'))
pcap('h11-n2-proxy.pcap',n2); pcap('h11-pod.pcap',po)
