import numpy as np, soxr, time
from scipy.ndimage import maximum_filter
RATE=8000; N=1024; HOP=128   # 64 ms win, 16 ms hop
def spec(x):
    w=np.hanning(N).astype(np.float32); k=1+(len(x)-N)//HOP
    if k<1: return np.zeros((1,N//2+1),np.float32)
    f=np.lib.stride_tricks.as_strided(x,(k,N),(x.strides[0]*HOP,x.strides[0]))
    return np.abs(np.fft.rfft(f*w,axis=1)).astype(np.float32)
BINS=slice(20,448) # 156..3500 Hz
def peaks(x,per_s=30):
    S=np.log(spec(x)[:,BINS]+1e-4)
    M=maximum_filter(S,size=(15,21))
    t,f=np.nonzero((S==M)&(S>S.max()-7))
    v=S[t,f]; keep=int(len(x)/RATE*per_s)+1
    o=np.argsort(-v)[:keep]; o=o[np.lexsort((f[o],t[o]))]
    return t[o],f[o]
def hashes(x,fan=5):
    t,f=peaks(x); out=[]
    for i in range(len(t)):
        n=0
        for j in range(i+1,len(t)):
            dt=t[j]-t[i]
            if dt<2: continue
            if dt>63: break
            df=f[j]-f[i]
            if abs(df)>200: continue
            out.append(((int(f[i])&511)<<15|((int(df)+256)&511)<<6|int(dt)&63,int(t[i]))); n+=1
            if n>=fan: break
    return out
