import glob,io,av,numpy as np,collections,time
from fp import *
def load(p,rate=24000):
    c=av.open(p); r=av.AudioResampler('flt','mono',rate); out=[]
    for f in c.decode(audio=0): out+= [g.to_ndarray()[0] for g in r.resample(f)]
    out+=[g.to_ndarray()[0] for g in r.resample(None)]
    return np.concatenate(out)
def mp3(x,rate=24000,br=64000):
    b=io.BytesIO(); c=av.open(b,'w',format='mp3'); s=c.add_stream('mp3',rate=rate,layout='mono'); s.bit_rate=br
    fr=av.AudioFrame.from_ndarray(x[None].astype(np.float32),'fltp','mono'); fr.sample_rate=rate; fr.pts=0
    for p in s.encode(fr): c.mux(p)
    for p in s.encode(None): c.mux(p)
    c.close(); b.seek(0); return load(b,rate)
fs=sorted(glob.glob('/work/shared/**/*.flac',recursive=True))
X=[load(p) for p in fs]
t=time.perf_counter(); idx=collections.defaultdict(list); n=0
for k,x in enumerate(X):
    for h,at in hashes(soxr.resample(x,24000,RATE)): idx[h].append((k,at)); n+=1
print(len(X),'clips',sum(map(len,X))/24000,'s',n,'hashes',n/(sum(map(len,X))/24000),'/s', (time.perf_counter()-t)/ (sum(map(len,X))/24000)*1000,'ms per s')
rng=np.random.default_rng(0); ok=0; tot=0; S=[];F=[]
for k,x in list(enumerate(X))[::3]:
    if len(x)<4*24000: continue
    s=rng.integers(0,len(x)-72000); q=mp3(x[s:s+72000]); q=q[1105:]
    c=collections.Counter()
    hs=hashes(soxr.resample(q,24000,RATE))
    for h,at in hs:
        for kk,a in idx.get(h,()): c[(kk,(a-at)//2)]+=1
    per=collections.Counter()
    for (kk,d),v in c.items(): per[kk]=max(per[kk],v+c.get((kk,d+1),0))
    top=per.most_common(2); tot+=1
    S.append(per[k]); F.append(max([v for kk,v in per.items() if kk!=k],default=0)); ok+=top[0][0]==k if top else 0
print(ok,tot,'right min',np.sort(S)[:6],'med',np.median(S),'false max',np.sort(F)[-5:])
