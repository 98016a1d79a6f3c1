import numpy as np,time,glob,av
from wm import *
def load(p,rate=24000):
    c=av.open(p); r=av.AudioResampler('flt','mono',rate); out=[]
    for f in c.decode(audio=0): out+= [g.to_ndarray()[0] for g in r.resample(f)]
    out+=[g.to_ndarray()[0] for g in r.resample(None)]
    return np.concatenate(out)
import os,sys
if __name__!="__main__": sys.argv=["x"]
fs=sorted(glob.glob('/work/shared/**/*.flac',recursive=True))[:0] or sorted(glob.glob('/work/shared/**/*.wav',recursive=True)+glob.glob('/work/shared/**/*.flac',recursive=True)+glob.glob('/work/shared/**/*.ogg',recursive=True)+glob.glob('/work/shared/**/*.opus',recursive=True))
print(len(fs))
for p in fs[::max(1,len(fs)//8)][:8]:
    x=load(p); t=time.perf_counter(); y,d=embed(x,24000); dt=time.perf_counter()-t
    snr=10*np.log10((x**2).sum()/(d**2).sum())
    noisy=y+np.random.randn(len(y)).astype(np.float32)*np.sqrt((y**2).mean()/100)
    y8=soxr.resample(y,24000,8000)
    print(os.path.basename(p),f'{len(x)/24000:.1f}s embed {len(x)/24000/dt:.0f}x snr {snr:.1f} | un {detect(x,24000):.2f} marked {detect(y,24000):.2f} noise {detect(noisy,24000):.2f} 8k {detect(y8,8000):.2f} 2s {detect(y[24000:72000],24000):.2f} gain {detect(y*.1,24000):.2f}')
