#!/usr/bin/env python3
"""writes the cases beside it. Every line has the form that the named tag of metallb/metallb writes: JSON with sorted keys (go-kit's JSONLogger),
ts in RFC 3339 by seconds, caller = file:line of that tag (the table L below, read from the tags)."""
import json,pathlib,datetime
H=pathlib.Path(__file__).parent
# caller lines by tag: main start, announced, withdrawn; service reconcile start, end; reprocessAll start, end; config start, reloaded, end; arp responder failed, created, deleted; node event; partial join, join ok; discovery; memberlist failed; native connect, up, down; peerAdded, updatedAdvertisements; reload failed, reloaded; arp reply failed
L={
'0.13.7': dict(start=93,ann=344,wd=389,s0=60,s1=103,r0=61,r1=103,cf=139,c0=51,cr=150,c1=151,af=112,ac=116,ad=135,ev=310,pj=256,pok=258,di=271,mf=95,nc=108,nu=116,nd=122,pa=214,ua=285,rf=352,rs=358,ar=112),
'0.13.12':dict(start=100,ann=374,wd=418,s0=60,s1=103,r0=61,r1=104,cf=174,c0=58,cr=185,c1=186,af=121,ac=125,ad=144,ev=310,pj=256,pok=258,di=271,mf=95,nc=99,nu=107,nd=113,pa=225,ua=309,rf=409,rs=415,ar=113),
'0.14.5': dict(start=107,ann=409,wd=453,s0=64,s1=115,r0=63,r1=119,cf=167,c0=58,cr=178,c1=179,af=122,ac=126,ad=145,ev=313,pj=259,pok=261,di=274,mf=98,nc=101,nu=109,nd=115,pa=218,ua=309,rf=466,rs=472,ar=113),
'0.14.9': dict(start=106,ann=420,wd=464,s0=64,s1=115,r0=63,r1=119,cf=167,c0=58,cr=178,c1=179,af=122,ac=126,ad=145,ev=313,pj=259,pok=261,di=274,mf=98,nc=109,nu=117,nd=123,pa=229,ua=346,rf=478,rs=484,ar=113,un=168),
'0.15.2': dict(start=108,ann=443,wd=487,s0=64,s1=115,r0=63,r1=118,cf=167,c0=58,cr=178,c1=179,af=122,ac=126,ad=145,ev=331,pj=269,pok=271,di=284,mf=108,nc=113,nu=121,nd=127,pa=239,ua=362,rf=486,rs=492,ar=113),
'0.16.1': dict(start=120,ann=481,wd=525,s0=64,s1=115,r0=63,r1=118,cf=212,c0=64,cr=224,c1=225,af=122,ac=126,ad=145,ev=343,pj=281,pok=283,di=296,mf=120,nc=115,nu=123,nd=129,pa=235,ua=357,rf=488,rs=494,ar=113)}
GO={'0.13.7':'go1.18.8','0.13.12':'go1.20.11','0.14.5':'go1.21.9','0.14.9':'go1.22.7','0.15.2':'go1.24.2','0.16.1':'go1.25.8'}
VIP='192.0.2.100'
class Log:
    def __init__(s,v,at="08:00:00"): s.v,s.l,s.o=v,L[v],[]; s.n=0; s.t=at
    def raw(s,text): s.n+=1; s.o.append(f"2026-11-30T{s.t}.{s.n:09d}Z {text}"); return s
    def j(s,caller,level='info',**k): return s.raw(json.dumps({'caller':caller,'level':level,'ts':f'2026-11-30T{s.t}Z',**k},sort_keys=True,separators=(',',':'),ensure_ascii=False))
    def at(s,t): s.t=t; return s
    def start(s):
        v=s.v; return s.j(f"main.go:{s.l['start']}",branch='HEAD',commit='v'+v,goversion=f'gc / {GO[v]} / amd64',msg=f'MetalLB speaker starting version {v} (commit v{v}, branch HEAD)',version=v)
    def arp(s,i,err=None):
        if err: return s.j(f"announcer.go:{s.l['af']}",'error',interface=i,op='createARPResponder',error=err,msg='failed to create ARP responder')
        return s.j(f"announcer.go:{s.l['ac']}",interface=i,event='createARPResponder',msg='created ARP responder for interface')
    def arpdel(s,i): return s.j(f"announcer.go:{s.l['ad']}",interface=i,event='deleteARPResponder',msg='deleted ARP responder for interface')
    def begin(s,svc='web/s0'): return s.j(f"service_controller.go:{s.l['s0']}",controller='ServiceReconciler',**{'start reconcile':svc})
    def end(s,svc='web/s0'): return s.j(f"service_controller.go:{s.l['s1']}",controller='ServiceReconciler',**{'end reconcile':svc})
    def all(s,body):
        s.j(f"service_controller_reload.go:{s.l['r0']}",controller='ServiceReconciler - reprocessAll',**{'start reconcile':'metallbreload/reload'}); body(); 
        return s.j(f"service_controller_reload.go:{s.l['r1']}",controller='ServiceReconciler - reprocessAll',**{'end reconcile':'metallbreload/reload'})
    def ann(s,proto='layer2',ip=VIP): return s.j(f"main.go:{s.l['ann']}",event='serviceAnnounced',ips=[ip],msg='service has IP, announcing',pool='default',protocol=proto)
    def wd(s,reason,ip,**k): return s.j(f"main.go:{s.l['wd']}",event='serviceWithdrawn',ip=ip,msg='withdrawing service announcement',reason=reason,**k)
    def ml(s,caller,level,msg): return s.j(caller,level,component='Memberlist',msg=msg)
    def node(s,ev,name,addr): return s.j(f"speakerlist.go:{s.l['ev']}",msg='node event - forcing sync',**{'node event':ev,'node name':name,'node addr':addr})
    def join(s,n): return s.j(f"speakerlist.go:{s.l['pok']}",op='Member detection',msg='memberlist join succesfully' if s.v=='0.13.7' else 'memberlist join successfully',**{'number of other nodes':n})
    def partial(s,joined,expected,error): return s.j(f"speakerlist.go:{s.l['pj']}",'error',op='memberDiscovery',msg='partial join',joined=joined,expected=expected,error=error)
    def disc(s): return s.j(f"speakerlist.go:{s.l['di']}",op='memberDiscovery',msg='triggering discovery')
    def config(s):
        return s.j(f"config_controller.go:{s.l['c0']}",controller='ConfigReconciler',**{'start reconcile':'/'}).j(f"config_controller.go:{s.l['cf']}",controller='ConfigReconciler',event='force service reload').j(f"config_controller.go:{s.l['cr']}",controller='ConfigReconciler',event='config reloaded').j(f"config_controller.go:{s.l['c1']}",controller='ConfigReconciler',**{'end reconcile':'/'})
    def peer(s,name='rt',addr='192.0.2.1'):
        return s.j(f"bgp_controller.go:{s.l['pa']}",event='peerAdded',msg='peer configured, starting BGP session',peer=name if s.v>='0.15' else addr)
    def bgp(s,k,level='info',**x): return s.j(f"native.go:{s.l[k]}",level,peer='192.0.2.1:179',localASN=64500,peerASN=64512,**x)
    def ads(s): return s.j(f"bgp_controller.go:{s.l['ua']}",event='updatedAdvertisements',ips=[VIP],msg='making advertisements using BGP',numAds=1,pool='default',protocol='bgp')
    def __str__(s): return "\n".join(s.o)+"\n"
def case(name,cfg,right,wrong,source,**logs):
    d=H/name; d.mkdir(exist_ok=True)
    (d/'case.json').write_text(json.dumps({**cfg,'right':right,'wrong':wrong,'source':source},indent=1,ensure_ascii=False)+"\n")
    for f in d.glob('*.log'): f.unlink()
    for n,l in logs.items(): (d/(n.replace('_','.')+'.log')).write_text(str(l))
A1,A2='198.51.100.10','198.51.100.11'
two=['n1','n2']
BGP=dict(l2=False,bgpadvertisements=[{'name':'a','spec':{}}],bgppeers=[{'name':'rt','spec':{'myASN':64500,'peerASN':64512,'peerAddress':'192.0.2.1'}}])

# 1
def g1(me,other,addr,port):
    l=Log('0.13.7').start().arp('eth0').arp('mlb').node('NodeJoin',me,A1 if me=='n1' else A2).disc()
    l.ml('net.go:268','error',f'memberlist: failed to receive: No installed keys could decrypt the message from={addr}:{port}')
    l.partial(0,1,f"1 error occurred:\n\t* Failed to join {addr}:7946: No installed keys could decrypt the message\n\n").config()
    l.at('08:00:02').begin().ann().end()
    for i in range(1,4): l.at(f'08:0{i}:07').ml('net.go:385','error',f'memberlist: Decrypt packet failed: No installed keys could decrypt the message from={addr}:7946')
    return l
case('g01-0137-memberlist-keys-differ',{'version':'0.13.7','nodes':two,'eps':['n1']},
 'two announcers, n1 and n2, each alone in its own eyes; the reason beneath, in their words: No installed keys could decrypt the message (their memberlist keys differ)',
 'n2 alone (by the election it would be n2); nobody; flapping; that 7946 is blocked',
 'metallb/metallb#1768 (its very line, 0.13.7); internal/speakerlist/speakerlist.go:256 of v0.13.7; hashicorp/memberlist net.go of v0.3.1; moby/moby#37725 for the text of the failed join',
 n1=g1('n1','n2',A2,55534),n2=g1('n2','n1',A1,49164))
# 2
taken='failed to obtain an address: Failed to start TCP listener on "198.51.100.11" port 7946: listen tcp 198.51.100.11:7946: bind: address already in use'
crash=Log('0.14.9','09:14:31').start().j('speakerlist.go:98','error',op='startup',error=taken,msg='failed to create memberlist')
n1=Log('0.14.9').start().arp('mlb').node('NodeJoin','n1',A1).disc().node('NodeJoin','n2',A2).join(1).config()
n1.at('09:02:10').ml('state.go:1245','info','memberlist: Marking n2 as failed, suspect timeout reached (0 peer confirmations)').node('NodeLeave','n2',A2)
n1.at('09:02:11').all(lambda: n1.ann())
down={'n2':{'ready':False,'restartCount':7,'state':{'waiting':{'reason':'CrashLoopBackOff','message':'back-off 5m0s restarting failed container=speaker'}},'lastState':{'terminated':{'exitCode':1,'reason':'Error','startedAt':'2026-11-30T09:14:31Z','finishedAt':'2026-11-30T09:14:31Z'}}}}
case('g02-0149-memberlist-port-taken',{'version':'0.14.9','nodes':two,'eps':['n1'],'container':down},
 'n1 announces; n2 does not, its speaker crashes again and again, with its last words: failed to create memberlist ... port 7946 ... address already in use',
 'n2 announces; split brain; that n2 (the node) is down; n2 by the election without a word about its speaker',
 'v0.14.9 internal/speakerlist/speakerlist.go:98 and speaker/main.go (os.Exit(1) after it); hashicorp/memberlist v0.5.1 memberlist.go:165, net_transport.go:98; metallb-operator#213 for the pod\'s shape',
 n1=n1,n2=crash,n2_previous=crash)
# 3
panic=Log('0.15.2','09:30:00').start().arp('mlb').config().begin().ann().end()
for t in ['panic: runtime error: invalid memory address or nil pointer dereference','[signal SIGSEGV: segmentation violation code=0x1 addr=0x18 pc=0x1c3a5d2]','','goroutine 71 [running]:','go.universe.tf/metallb/internal/layer2.(*Announce).updateInterfaces(0xc00031f2c0)','\t/go/go.universe.tf/metallb/internal/layer2/announcer.go:126 +0x1d1d','go.universe.tf/metallb/internal/layer2.(*Announce).interfaceScan(0xc00031f2c0)','\t/go/go.universe.tf/metallb/internal/layer2/announcer.go:49 +0x39','created by go.universe.tf/metallb/internal/layer2.New in goroutine 1','\t/go/go.universe.tf/metallb/internal/layer2/announcer.go:42 +0x1cc']: panic.at('09:30:10').raw(t)
now=Log('0.15.2','09:36:00').start().arp('mlb')
n1=Log('0.15.2').start().arp('mlb').node('NodeJoin','n1',A1).disc().node('NodeJoin','n2',A2).join(1).config()
n1.at('09:30:14').ml('state.go:1245','info','memberlist: Marking n2 as failed, suspect timeout reached (0 peer confirmations)').node('NodeLeave','n2',A2).all(lambda: n1.ann())
case('g03-0152-speaker-panics',{'version':'0.15.2','nodes':two,'eps':['n1'],'container':{'n2':{'ready':False,'restartCount':4,'state':{'waiting':{'reason':'CrashLoopBackOff'}},'lastState':{'terminated':{'exitCode':2,'reason':'Error','finishedAt':'2026-11-30T09:30:10Z'}}}}},
 'n1 announces; n2 announced until its speaker panicked (panic: runtime error: invalid memory address ..., shown as its last words); n2 announces nothing now',
 'n1 and n2 both; n2; that the lines of the stack are log lines of the Service; a crash of lbdiag\'s own reader on lines that are no JSON',
 'Go\'s own form of a panic; metallb/metallb#474 (updateInterfaces in its trace), #1175, #250; internal/layer2/announcer.go of v0.15.2',
 n1=n1,n2=panic,n2_previous=panic)
# 4
mac='52:54:00:a1:b2:02'
n2=Log('0.14.9').start().arp('eth0').arp('mlb',f'creating ARP responder for "mlb": listen packet {mac}: socket: too many open files').node('NodeJoin','n2',A2).disc().node('NodeJoin','n1',A1).join(1).config().at('08:00:03').begin().ann().end()
for m in (10,20,30): n2.at(f'08:00:{m}').arp('mlb',f'creating ARP responder for "mlb": listen packet {mac}: socket: too many open files')
n1=Log('0.14.9').start().arp('eth0').arp('mlb').node('NodeJoin','n1',A1).disc().node('NodeJoin','n2',A2).join(1).config().at('08:00:03').begin().end()
case('g04-0149-too-many-open-files-on-the-announced-interface',{'version':'0.14.9','nodes':two,'eps':['n1'],'l2spec':{'interfaces':['mlb']}},
 'n2 says that it announces and cannot answer on mlb, the only interface of the advertisement (too many open files): nobody surely announces',
 'announced by n2, without the error; n1; that n2 answers on eth0 (the advertisement does not name it)',
 'v0.14.9 internal/layer2/arp.go:32, announcer.go:122; mdlayher/packet v1.0.0 (net.OpError) and mdlayher/socket v0.2.1 conn.go:217; metallb/metallb#1151 for the older form',
 n1=n1,n2=n2)
# 5
frr=Log('0.14.9').start().at('08:00:02').peer().config().at('08:00:04').begin().ads().ann('bgp').end()
frr.at('08:00:33').j('frr.go:478','error',op='reload-validate',error='reload failure',cause='frr reload failed',status='failure')
frr.at('08:01:03').j('frr.go:484',op='reload-validate',success='reloaded config')
case('g05-0149-frr-reload-failed-and-then-succeeded',{'version':'0.14.9','nodes':['n1'],'eps':['n1'],**BGP,'env':[{'name':'METALLB_BGP_TYPE','value':'frr'}]},
 'n1 announces over BGP; the reload that failed was followed by one that succeeded (information at most)',
 'not surely announced because of the old failure; nobody; a warning that the reload fails',
 'v0.14.9 internal/bgp/frr/frr.go:459-484 (the status file is read each 30 s and said once per change)',
 n1=frr)
# 6
n2=Log('0.16.1').start().arp('mlb').node('NodeJoin','n2',A2).disc().node('NodeJoin','n1',A1).join(1).config().at('08:00:03').begin().ann().end()
n2.at('10:15:00').config().all(lambda: n2.wd('noMatchingAdvertisement',[VIP],ips=[VIP],pool='default',protocol='layer2'))
n1=Log('0.16.1').start().arp('mlb').node('NodeJoin','n1',A1).disc().node('NodeJoin','n2',A2).join(1).config().at('08:00:03').begin().end().at('10:15:00').config().all(lambda: None)
case('g06-0161-no-matching-advertisement-any-more',{'version':'0.16.1','nodes':two,'eps':['n1'],'l2':False},
 'nobody announces: n2 withdrew at 10:15 with noMatchingAdvertisement, and no advertisement selects the pool',
 'n2; unknown; announce/no-candidate because of nodes; n2 lost the election',
 'v0.16.1 speaker/layer2_controller.go (noMatchingAdvertisement), speaker/main.go:525',
 n1=n1,n2=n2)
# 7
n2=Log('0.13.12').start().arp('eth0').arp('mlb').node('NodeJoin','n2',A2).disc().node('NodeJoin','n1',A1).join(1).config().at('08:00:03').begin().ann().end().at('11:20:40').arpdel('mlb')
n1=Log('0.13.12').start().arp('eth0').arp('mlb').node('NodeJoin','n1',A1).disc().node('NodeJoin','n2',A2).join(1).config().at('08:00:03').begin().end()
case('g07-01312-responder-of-the-interface-deleted',{'version':'0.13.12','nodes':two,'eps':['n1'],'l2spec':{'interfaces':['mlb']}},
 'n2 says that it announces, and closed its ARP responder on mlb at 11:20:40 (the interface is down, has a master or NOARP) without opening it again: nobody surely announces',
 'announced by n2 without a word; the withdrawal of the Service (there is none); n1 took over',
 'v0.13.12 internal/layer2/announcer.go:88-144 (DOWN, master, NOARP close the responder); metallb/metallb#534, #2026',
 n1=n1,n2=n2)
# 8
n2=Log('0.14.5').start().arp('mlb').node('NodeJoin','n2',A2).disc().node('NodeJoin','n1',A1).join(1).config().at('08:00:03').begin('web/s0').ann().end('web/s0').begin('web/s1').ann().end('web/s1')
n2.at('12:00:00').begin('web/s1').wd('serviceDeleted',[VIP]).end('web/s1')
n1=Log('0.14.5').start().arp('mlb').node('NodeJoin','n1',A1).disc().node('NodeJoin','n2',A2).join(1).config().at('08:00:03').begin('web/s0').end('web/s0').begin('web/s1').end('web/s1').at('12:00:00').begin('web/s1').end('web/s1')
case('g08-0145-one-of-two-services-that-share-the-address-leaves',{'version':'0.14.5','nodes':two,'eps':['n1']},
 'n2 announces: the withdrawal belongs to web/s1 (its reconcile brackets), which was deleted and shared the address; web/s0 keeps it',
 'nobody; n2 withdrew at 12:00; unknown',
 'v0.14.5 speaker/main.go:453, internal/layer2 ipRefcnt; domain-metallb.md 0.8; metallb/metallb#968',
 n1=n1,n2=n2)
# 9
n2=Log('0.13.7').start().arp('mlb').node('NodeJoin','n2',A2).disc().node('NodeJoin','n1',A1).join(1).config().at('08:00:03').begin('web/s0').ann().end('web/s0').begin('web/other').ann(ip='192.0.2.111').end('web/other')
n2.at('12:00:00').begin('web/other').wd('serviceDeleted',None).end('web/other')
n1=Log('0.13.7').start().arp('mlb').node('NodeJoin','n1',A1).disc().node('NodeJoin','n2',A2).join(1).config().at('08:00:03').begin('web/s0').end('web/s0').begin('web/other').end('web/other').at('12:00:00').begin('web/other').end('web/other')
case('g09-0137-withdrawn-null-is-another-service',{'version':'0.13.7','nodes':two,'eps':['n1']},
 'n2 announces 192.0.2.100: the line with "ip":null is about web/other (192.0.2.111), by its brackets',
 'nobody; unknown; n2 withdrew',
 'v0.13.7 speaker/main.go:388-389 (the entry is deleted before it is logged); metallb/metallb#2005 for a real "ip":null',
 n1=n1,n2=n2)
# 10
def g10(me,addr,other,oaddr): return Log('0.14.9').start().at('08:00:01').peer().config().at('08:00:02').bgp('nu',event='sessionUp',msg='BGP session established').at('08:00:04').begin().ads().ann('bgp').end()
n1=g10('n1',A1,'n2',A2); n2=g10('n2',A2,'n1',A1)
n1.at('13:00:00').all(lambda: n1.j('bgp_controller.go:168','warn',event='skipping should announce bgp',service='web/s0',reason='nodeUnschedulable',ips=[VIP],pool='default',protocol='bgp').wd('nodeUnschedulable',[VIP],ips=[VIP],pool='default',protocol='bgp'))
case('g10-0149-cordoned-node-withdraws-bgp',{'version':'0.14.9','nodes':two,'eps':['n1'],**BGP,'nodespec':{'n1':{'unschedulable':True,'taints':[{'key':'node.kubernetes.io/unschedulable','effect':'NoSchedule'}]}}},
 'n2 announces over BGP; n1 withdrew at 13:00 because it is cordoned (nodeUnschedulable, which 0.14.9 alone does)',
 'n1 and n2; nobody; that the session of n1 is down (it is up, without the address)',
 'v0.14.9 speaker/bgp_controller.go:167-169, internal/k8s/nodes; metallb/metallb#2470, #2715',
 n1=n1,n2=n2)
# 11
n2=Log('0.15.2').at('14:00:05').j('arp.go:113','error',op='arpReply',interface='mlb',ip=VIP,senderIP='192.0.2.50',senderMAC='52:54:00:00:00:50',responseMAC=mac,error=f'write packet {mac}: sendto: network is down',msg='failed to send ARP reply')
n1=Log('0.15.2'); n1.o=[]
case('g11-0152-log-level-error-and-a-reply-that-fails',{'version':'0.15.2','nodes':two,'eps':['n1'],'args':['--port=7472','--log-level=error']},
 'the logs do not tell who announces (level error); the one line shows that n2 took itself for the announcer of 192.0.2.100 at 14:00:05 and could not answer (network is down): not surely announced, n2 named',
 'nobody announces; no speaker announced it since its start; the line passed over in silence',
 'v0.15.2 internal/layer2/arp.go:104-113 (a request comes here only when the address is its own to announce); --log-level of speaker/main.go',
 n1=n1 if n1.o else '',n2=n2)
# 12
n1=Log('0.13.12').start().at('08:00:01').peer().config().at('08:00:02').begin().ads().ann('bgp').end()
for i,t in enumerate(('08:00:02','08:00:04','08:00:08','08:02:10','08:04:10')):
    n1.at(t).bgp('nc','error',op='connect',error='read OPEN from "192.0.2.1:179": message type is not OPEN, got 3, want 1',msg='failed to connect to peer')
case('g12-01312-router-has-a-session-with-another-program',{'version':'0.13.12','nodes':['n1'],'eps':['n1'],**BGP},
 'n1 would announce over BGP and has no session: the router answers OPEN with a notification (type 3), as it does when it holds a session with that address already (Calico\'s BIRD): not announced to anybody',
 'announced by n1; wrong password; port 179 blocked or refused (it was reached); session up',
 'v0.13.12 internal/bgp/native/native.go:99,246, messages.go:177; metallb/metallb#114; metallb.io/configuration/calico',
 n1=n1)
