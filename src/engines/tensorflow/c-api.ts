import koffi, { type LibraryHandle } from 'koffi'

/** A pointer, as koffi 3 has it. */
export type Pointer = bigint

/** Addresses or memory that native code reads or writes during the call. */
type Memory =
  Pointer | Uint8Array | BigUint64Array | BigInt64Array | Float32Array | Int32Array | null

/** The functions of tensorflow/c/c_api.h that we call. Everything made by `new…` is the caller's to delete. */
export interface TensorflowApi {
  version(): string
  newStatus(): Pointer
  deleteStatus(status: Pointer): void
  statusCode(status: Pointer): number
  statusMessage(status: Pointer): string
  newGraph(): Pointer
  deleteGraph(graph: Pointer): void
  newImportOptions(): Pointer
  deleteImportOptions(options: Pointer): void
  /** `buffer` is a TF_Buffer {data, length, deallocator}, which stays the caller's. */
  importGraphDef: Asynchronous<[graph: Pointer, buffer: Memory, options: Pointer, status: Pointer]>
  operationByName(graph: Pointer, name: string): Pointer | null
  newSessionOptions(): Pointer
  deleteSessionOptions(options: Pointer): void
  setConfig(options: Pointer, proto: Uint8Array, length: number, status: Pointer): void
  newSession(graph: Pointer, options: Pointer, status: Pointer): Pointer | null
  closeSession(session: Pointer, status: Pointer): void
  deleteSession(session: Pointer, status: Pointer): void
  listDevices(session: Pointer, status: Pointer): Pointer | null
  deviceCount(list: Pointer): number
  deviceType(list: Pointer, index: number, status: Pointer): string
  deleteDeviceList(list: Pointer): void
  allocateTensor(dtype: number, shape: BigInt64Array, rank: number, bytes: number): Pointer | null
  tensorData(tensor: Pointer): Pointer
  tensorByteSize(tensor: Pointer): number
  deleteTensor(tensor: Pointer): void
  /** TF_Output arrays of {operation, index}, TF_Tensor* arrays, TF_Operation* arrays: all native memory. */
  sessionRun: Asynchronous<
    [
      session: Pointer,
      runOptions: null,
      inputs: Pointer,
      inputValues: Pointer,
      inputCount: number,
      outputs: Pointer,
      outputValues: Pointer,
      outputCount: number,
      targets: Pointer,
      targetCount: number,
      runMetadata: null,
      status: Pointer,
    ]
  >
}

/** Runs on a thread of koffi's; the event loop stays free. */
type Asynchronous<Arguments extends unknown[]> = (...args: Arguments) => Promise<void>

/** Of the C library, for memory whose lifetime we decide and for the loader. */
export interface LibC {
  malloc(bytes: number): Pointer | null
  free(memory: Pointer): void
  copy(target: Memory, source: Memory, bytes: number): void
  setEnvironment(name: string, value: string): void
  open(path: string, flags: number): Pointer | null
  openError(): string | null
  duplicate(descriptor: number): number
  duplicateTo(from: number, to: number): number
}

export function bindTensorflow(library: LibraryHandle): TensorflowApi {
  const f = (definition: string) => library.func(definition)
  return {
    version: f('const char *TF_Version()'),
    newStatus: f('void *TF_NewStatus()'),
    deleteStatus: f('void TF_DeleteStatus(void *)'),
    statusCode: f('int TF_GetCode(void *)'),
    statusMessage: f('const char *TF_Message(void *)'),
    newGraph: f('void *TF_NewGraph()'),
    deleteGraph: f('void TF_DeleteGraph(void *)'),
    newImportOptions: f('void *TF_NewImportGraphDefOptions()'),
    deleteImportOptions: f('void TF_DeleteImportGraphDefOptions(void *)'),
    importGraphDef: asynchronous(
      library,
      'void TF_GraphImportGraphDef(void *, void *, void *, void *)',
    ),
    operationByName: f('void *TF_GraphOperationByName(void *, const char *)'),
    newSessionOptions: f('void *TF_NewSessionOptions()'),
    deleteSessionOptions: f('void TF_DeleteSessionOptions(void *)'),
    setConfig: f('void TF_SetConfig(void *, const void *, size_t, void *)'),
    newSession: f('void *TF_NewSession(void *, void *, void *)'),
    closeSession: f('void TF_CloseSession(void *, void *)'),
    deleteSession: f('void TF_DeleteSession(void *, void *)'),
    listDevices: f('void *TF_SessionListDevices(void *, void *)'),
    deviceCount: f('int TF_DeviceListCount(void *)'),
    deviceType: f('const char *TF_DeviceListType(void *, int, void *)'),
    deleteDeviceList: f('void TF_DeleteDeviceList(void *)'),
    allocateTensor: f('void *TF_AllocateTensor(int, const void *, int, size_t)'),
    tensorData: f('void *TF_TensorData(void *)'),
    tensorByteSize: f('size_t TF_TensorByteSize(void *)'),
    deleteTensor: f('void TF_DeleteTensor(void *)'),
    sessionRun: asynchronous(
      library,
      'void TF_SessionRun(void *, void *, void *, void *, int, void *, void *, int, void *, int, void *, void *)',
    ),
  }
}

export function bindLibC(): LibC {
  const library = koffi.load(null)
  const f = (definition: string) => library.func(definition)
  const setenv = f('int setenv(const char *, const char *, int)')
  return {
    malloc: f('void *malloc(size_t)'),
    free: f('void free(void *)'),
    copy: f('void *memcpy(void *, const void *, size_t)'),
    setEnvironment: (name, value) => setenv(name, value, 1),
    open: f('void *dlopen(const char *, int)'),
    openError: f('const char *dlerror()'),
    duplicate: f('int dup(int)'),
    duplicateTo: f('int dup2(int, int)'),
  }
}

function asynchronous<Arguments extends unknown[]>(
  library: LibraryHandle,
  definition: string,
): Asynchronous<Arguments> {
  const call = library.func(definition)
  return (...args) =>
    new Promise((resolve, reject) => {
      call.async(...args, (error: Error | null) => (error ? reject(error) : resolve()))
    })
}
