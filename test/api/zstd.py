"""zstd frames for the tests, by the system's own library: Python's standard library has none yet."""
import ctypes

_library = ctypes.CDLL("libzstd.so.1")
_library.ZSTD_compressBound.restype = ctypes.c_size_t
_library.ZSTD_compressBound.argtypes = [ctypes.c_size_t]
_library.ZSTD_compress.restype = ctypes.c_size_t
_library.ZSTD_compress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
_library.ZSTD_decompress.restype = ctypes.c_size_t
_library.ZSTD_decompress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
_library.ZSTD_isError.argtypes = [ctypes.c_size_t]
DECOMPRESSED_MAX = 64 * 1024 * 1024


def compress(data, level=3):
    out = ctypes.create_string_buffer(_library.ZSTD_compressBound(len(data)))
    size = _library.ZSTD_compress(out, len(out), data, len(data), level)
    assert not _library.ZSTD_isError(size)
    return out.raw[:size]


def decompress(data):
    out = ctypes.create_string_buffer(DECOMPRESSED_MAX)
    size = _library.ZSTD_decompress(out, len(out), data, len(data))
    assert not _library.ZSTD_isError(size), "not a zstd frame"
    return out.raw[:size]
