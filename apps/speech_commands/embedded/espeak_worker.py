"""Calls espeak-ng's C library: reads requests from standard input, writes samples to standard output.

A request is one line of JSON, {"voice": .., "text": .., "rate": .., "pitch": .., "range": ..}. The answer is
the number of samples (4 bytes), then the samples (16 bits each), all little-endian.
"""

import ctypes
import json
import os
import sys
from pathlib import Path

import espeakng_loader

_RETRIEVAL, _DONT_EXIT = 2, 0x8000
_UTF8 = 1
_PARAMETERS = {"rate": 1, "pitch": 3, "range": 4}
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int16), ctypes.c_int, ctypes.c_void_p)


def main() -> None:
    """Answer requests until standard input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # the library's own messages go to standard error
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    # The library keeps only 160 characters of this path, so start in the folder and pass a short one.
    os.chdir(Path(espeakng_loader.get_data_path()).parent)
    if library.espeak_Initialize(_RETRIEVAL, 0, b".", _DONT_EXIT) <= 0:
        sys.exit("espeak-ng: can't read its data")
    spoken: list[bytes] = []

    @_CALLBACK
    def keep(samples, count, _):  # type: ignore[no-untyped-def]
        if count > 0:
            spoken.append(ctypes.string_at(samples, 2 * count))
        return 0

    library.espeak_SetSynthCallback(keep)
    for line in sys.stdin:
        _speak(library, json.loads(line))
        samples = b"".join(spoken)
        spoken.clear()
        answers.write((len(samples) // 2).to_bytes(4, "little") + samples)
        answers.flush()


def _speak(library: ctypes.CDLL, request: dict) -> None:
    if library.espeak_SetVoiceByName(request["voice"].encode()):
        sys.exit(f"espeak-ng: no voice {request['voice']!r}")
    for name, number in _PARAMETERS.items():
        library.espeak_SetParameter(number, request[name], 0)
    library.espeak_ng_SetRandSeed(ctypes.c_long(0))  # otherwise the clock seeds the noise of breath
    text = request["text"].encode() + b"\0"
    library.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, 0, 0, _UTF8, None, None)


if __name__ == "__main__":
    main()
