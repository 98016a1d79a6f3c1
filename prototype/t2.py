import numpy as np,glob,os,av,soxr
import wm
from wm import *
def load(p,rate=24000):
    c=av.open(p); r=av.AudioResampler('flt','mono',rate); out=[]
    for f in c.decode(audio=0): out+= [g.to_ndarray()[0] for g in r.resample(f)]
    out+=[g.to_ndarray()[0] for g in r.resample(None)]
    return np.concatenate(out)
fs=sorted(glob.glob('/work/shared/**/*.flac',recursive=True)); fs=fs[::len(fs)//40][:40]
rng=np.random.default_rng(0)
def noise(y,db): return (y+rng.standard_normal(len(y)).astype(np.float32)*np.sqrt((y**2).mean()/10**(db/10))).astype(np.float32)
def subtract(x,rate):
    # spectral floor: remove stationary noise by magnitudes' low percentile
    if rate!=32000: x=soxr.resample(x,rate,32000)
    X=stft(x.astype(np.float32),2048,320); P=np.abs(X)**2; f=np.percentile(P,10,axis=1,keepdims=True)/0.105
    G=np.sqrt(np.maximum(1-f*1.0/np.maximum(P,1e-12),0.01)); 
    return X*G
def detX(X):
    N=norm(X,1).astype(np.float32); m=mask(N); S=N[:128]; T=S.shape[1]
    a,b=int(T*1.25),int(T*.75)
    outs=DEC.run(None,{'slow':lerp(S,a)[None],'normal':S[None],'fast':lerp(S,b)[None]})
    at,w=[],[]
    for o_,t in zip(outs,(a,T,b)):
        mm=nerp(m,t); at.append((o_[0,0]*mm).sum()/mm.sum()); w.append((o_[0,1]*mm).sum()/mm.sum())
    e=np.exp(np.array(at)-max(at)); e/=e.sum(); return float((e*np.array(w)).sum())
R={k:[] for k in ('un','un_noise','un_sub','un_noise_sub','m','m_noise','m_noise_sub','m13_noise','m13_noise_sub','m_sub')}
for p in fs:
    x=load(p)[:24000*5]
    y,d=embed(x,24000); y13=x+1.3*d
    R['un'].append(detect(x,24000)); xn=noise(x,20); R['un_noise'].append(detect(xn,24000)); R['un_sub'].append(detX(subtract(x,24000))); R['un_noise_sub'].append(detX(subtract(xn,24000)))
    R['m'].append(detect(y,24000)); yn=noise(y,20); R['m_noise'].append(detect(yn,24000)); R['m_noise_sub'].append(detX(subtract(yn,24000))); R['m_sub'].append(detX(subtract(y,24000)))
    zn=noise(y13,20); R['m13_noise'].append(detect(zn,24000)); R['m13_noise_sub'].append(detX(subtract(zn,24000)))
for k,v in R.items(): v=np.sort(v); print(f'{k:15s} min {v[0]:.2f} 5% {v[2]:.2f} med {np.median(v):.2f} 95% {v[-3]:.2f} max {v[-1]:.2f}')
