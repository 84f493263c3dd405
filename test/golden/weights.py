"""Writes the weight files of test/fixtures/weights and what Keras reads from them.

Keras 3.15.1, TensorFlow 2.21.0, h5py 3.14.0. Run: python test/golden/weights.py
PyTorch's two formats are written by hand here (pickle and zipfile): the layout is that of torch/serialization.py.
"""
import io, json, os, pickle, struct, zipfile
os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
import h5py, keras, numpy as np

here = os.path.dirname(os.path.abspath(__file__))
out = os.path.join(here, '..', 'fixtures', 'weights')
os.makedirs(out, exist_ok=True)
rng = np.random.default_rng(4)
golden = {}


def describe(model):
    return [[w.path.split('/', 1)[-1], list(w.shape), float(np.sum(np.float64(w)))] for l in model.layers for w in l.weights]


def net():
    keras.backend.clear_session()
    m = keras.Sequential([
        keras.Input((8, 8, 3)),
        keras.layers.SeparableConv2D(4, 3),
        keras.layers.BatchNormalization(),
        keras.layers.DepthwiseConv2D(3),
        keras.layers.Flatten(),
        keras.layers.Dense(2),
    ])
    m.set_weights([rng.uniform(0.1, 1, w.shape).astype('float32') for w in m.get_weights()])
    return m


m = net()
m.save(os.path.join(out, 'whole-model.h5'))
golden['whole-model.h5'] = describe(m)

# A weights file as Keras 2 writes it: names end in :0, the lists of names are fixed-length byte strings.
def legacy(path, layers, chunk=None, **file):
    with h5py.File(path, 'w', **file) as f:
        f.attrs['backend'], f.attrs['keras_version'] = b'tensorflow', b'2.15.0'
        names = np.array([n.encode() for n, _ in layers])
        if chunk:
            for i in range(0, len(names), chunk):
                f.attrs['layer_names%d' % (i // chunk)] = names[i:i + chunk]
        else:
            f.attrs['layer_names'] = names
        for n, ws in layers:
            g = f.create_group(n)
            g.attrs['weight_names'] = np.array([('%s/%s:0' % (n, w)).encode() for w, _ in ws])
            for w, v in ws:
                g.create_dataset('%s/%s:0' % (n, w), data=v)


def pairs(m):
    res = []
    for l in m.layers:
        res.append((l.name, [(w.path.split('/')[-1], w.numpy()) for w in l.trainable_weights + l.non_trainable_weights]))
    return [('input_1', [])] + res


m = net()
legacy(os.path.join(out, 'keras2.h5'), pairs(m))
legacy(os.path.join(out, 'chunked-latest.h5'), pairs(m), chunk=2, libver='latest')
golden['keras2.h5'] = golden['chunked-latest.h5'] = describe(m)

inner = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3, name='c1'), keras.layers.BatchNormalization(name='b1'),
                          keras.layers.Conv2D(2, 3, name='c2'), keras.layers.BatchNormalization(name='b2')], name='inner')
outer = keras.Sequential([keras.Input((8, 8, 3)), inner, keras.layers.Flatten(), keras.layers.Dense(2, name='d')])
outer.set_weights([rng.uniform(0.1, 1, w.shape).astype('float32') for w in outer.get_weights()])
outer.save(os.path.join(out, 'nested.h5'))
golden['nested.h5'] = describe(inner) + describe(outer)[-2:]

# PyTorch: tensors by name, one of them a transposed view, one a counter of int64, one half precision.
class Storage:
    def __init__(self, kind, key, array):
        self.kind, self.key, self.array = kind, key, array


tensors = {
    'conv.weight': rng.uniform(-1, 1, (4, 3, 3, 3)).astype('<f4'),
    'bn.running_mean': rng.uniform(-1, 1, 4).astype('<f4'),
    'bn.num_batches_tracked': np.array(7, '<i8'),
    'fc.weight': rng.uniform(-1, 1, (2, 4)).astype('<f4').T,
    'half': rng.uniform(-1, 1, 5).astype('<f2'),
}
golden['state'] = {k: [list(v.shape), [float(x) for x in np.ascontiguousarray(v).ravel()[:8]]] for k, v in tensors.items()}
KIND = {'<f4': 'FloatStorage', '<i8': 'LongStorage', '<f2': 'HalfStorage'}


def global_(name):
    module, attr = name.rsplit('.', 1)
    return b'c' + module.encode() + b'\n' + attr.encode() + b'\n'


def text(s):
    return b'X' + struct.pack('<I', len(s)) + s.encode()


def integer(n):
    return b'J' + struct.pack('<i', n)


def dict_pickle(zip_format):
    p = b'\x80\x02' + global_('collections.OrderedDict') + b')R('
    for key, (name, v) in enumerate(tensors.items()):
        base = v if v.flags['C_CONTIGUOUS'] else v.T
        kind = KIND[base.dtype.str]
        ident = b'(' + text('storage') + global_('torch.' + kind) + text(str(key)) + text('cpu') + integer(base.size) + (b't' if zip_format else b'Nt') + b'Q'
        strides = [s // v.itemsize for s in v.strides]
        p += text(name) + global_('torch._utils._rebuild_tensor_v2') + b'(' + ident + integer(0)
        p += b'(' + b''.join(map(integer, v.shape)) + b't(' + b''.join(map(integer, strides)) + b't'
        p += b'\x89' + global_('collections.OrderedDict') + b')RtR'
    return p + b'u.'


def raw(v):
    return (v if v.flags['C_CONTIGUOUS'] else v.T).tobytes()


with open(os.path.join(out, 'legacy.pth'), 'wb') as f:
    f.write(pickle.dumps(0x1950a86a20f9469cfc6c, 2) + pickle.dumps(1001, 2) + pickle.dumps({'little_endian': True}, 2))
    f.write(dict_pickle(False) + pickle.dumps([str(i) for i in range(len(tensors))], 2))
    for v in tensors.values():
        f.write(struct.pack('<q', v.size) + raw(v))
with zipfile.ZipFile(os.path.join(out, 'zip.pth'), 'w', zipfile.ZIP_STORED) as z:
    z.writestr('archive/data.pkl', dict_pickle(True))
    z.writestr('archive/byteorder', 'little')
    for key, v in enumerate(tensors.values()):
        z.writestr('archive/data/%d' % key, raw(v))
    z.writestr('archive/version', '3\n')
with open(os.path.join(out, 'evil.pth'), 'wb') as f:
    f.write(pickle.dumps(0x1950a86a20f9469cfc6c, 2) + pickle.dumps(1001, 2) + pickle.dumps({}, 2) + b'\x80\x02cos\nsystem\n' + text('touch owned') + b'\x85R.')

with open(os.path.join(here, 'weights.json'), 'w') as f:
    json.dump(golden, f)

# Datasets of other types than float32, packed ones, and links out of the file.
with h5py.File(os.path.join(out, 'types.h5'), 'w') as f:
    base = np.arange(6, dtype='<f4').reshape(2, 3) / 4 - 0.5
    for kind in ('<f2', '>f2', '>f4', '<f8', '<i4', '>i8', '|u1', '|i1'):
        f['values/' + kind[1:] + ('be' if kind[0] == '>' else '')] = (base * 4 + 8).astype(kind)
    f['values/scalar'] = np.int64(7)
    f['values/empty'] = np.zeros((0, 3), '<f4')
    f.create_dataset('values/packed', data=base * 4 + 8, compression='gzip', shuffle=True, chunks=(1, 3))
    f['bfloat16'] = (base.view('<u4') >> 16).astype('<u2').view('V2')
    f['bfloat16'].attrs['dtype'] = 'bfloat16'
    f['text'] = 'words'
    f.create_dataset('lzf', data=np.zeros((1000,), '<f4'), compression='lzf')
    f.create_dataset('huge', shape=(10**6, 100), dtype='<f4', chunks=(1000, 100))
    f['outside'] = h5py.ExternalLink('keras2.h5', '/')
    f['loop'] = h5py.SoftLink('/values/../loop')
    layout = h5py.VirtualLayout((4, 2), '<f4')
    layout[...] = h5py.VirtualSource('keras2.h5', 'x', (4, 2))
    f.create_virtual_dataset('virtual', layout)
    f['soft'] = h5py.SoftLink('/values')
