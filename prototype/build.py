import io,pickle,zipfile,struct,collections
import onnx
from onnx import helper as h, TensorProto as T
CK='perth_net_250000.pth.tar'
class U(pickle.Unpickler):
    def find_class(self,m,n):
        if n=='_rebuild_tensor_v2': return lambda st,off,size,stride,*a:(st[2],off,size)
        if n=='OrderedDict': return collections.OrderedDict
        return f'{m}.{n}'
    def persistent_load(self,p): return p
z=zipfile.ZipFile(CK)
model=U(io.BytesIO(z.read('archive/data.pkl'))).load()['model']
raw=open(CK,'rb')
def offset(key):
    i=z.getinfo(f'archive/data/{key}'); raw.seek(i.header_offset+26); n,e=struct.unpack('<HH',raw.read(4))
    return i.header_offset+30+n+e, i.file_size
def ext(name):
    key,off,size=model[name]; assert off==0
    o,l=offset(key)
    t=TensorProto=onnx.TensorProto(); t.name=name; t.data_type=T.FLOAT; t.dims.extend(size); t.data_location=onnx.TensorProto.EXTERNAL
    for k,v in dict(location=CK,offset=o,length=l).items():
        e=t.external_data.add(); e.key=k; e.value=str(v)
    return t
inits=[];
def stack(prefix,x,nodes):
    for i in range(7):
        w=f'{prefix}.{i}.conv.weight'; b=f'{prefix}.{i}.conv.bias'; inits.extend([ext(w),ext(b)])
        k=model[w][2][2]; y=f'{prefix}.{i}.y'
        nodes.append(h.make_node('Conv',[x,w,b],[y],pads=[k//2,k//2])); x=y
        if i<6:
            nodes.append(h.make_node('LeakyRelu',[x],[x+'a'],alpha=0.01)); x+='a'
    return x
def save(name,prefixes,ins,outs,path):
    global inits; inits=[]; nodes=[]
    outn=[]
    for p,i,o in zip(prefixes,ins,outs):
        y=stack(p,i,nodes); nodes.append(h.make_node('Identity',[y],[o]))
    g=h.make_graph(nodes,name,[h.make_tensor_value_info(i,T.FLOAT,['batch',128,f'frames_{i}']) for i in ins],[h.make_tensor_value_info(o,T.FLOAT,None) for o in outs],inits)
    m=h.make_model(g,opset_imports=[h.make_opsetid('',17)]); m.ir_version=9
    onnx.save(m,path)
save('encoder',['encoder.layers'],['magnitude'],['residual'],'enc.onnx')
save('decoder',[f'decoder.{s}_layers' for s in ('slow','normal','fast')],['slow','normal','fast'],['slow_out','normal_out','fast_out'],'dec.onnx')
import os; print(os.path.getsize('enc.onnx'),os.path.getsize('dec.onnx'))
