import onnxruntime as ort, numpy as np, time
for th in (1,2):
    o=ort.SessionOptions(); o.intra_op_num_threads=th
    s=ort.InferenceSession('enc.onnx',o)
    for fr in (100,300,1000):
        x=np.random.rand(1,128,fr).astype(np.float32)
        s.run(None,{'magnitude':x}); t=time.perf_counter()
        for _ in range(5): s.run(None,{'magnitude':x})
        d=(time.perf_counter()-t)/5; print(th,fr,f'{d*1000:.1f} ms = {fr/100/d:.0f}x RT')
