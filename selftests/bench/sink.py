# SPDX-License-Identifier: GPL-2.0
"""A UDP socket whose filter drops whatever arrives, at the same cost each."""

import ctypes
import signal
import socket
import struct
import sys

SO_ATTACH_FILTER = 26  # not in the socket module
RETURN_CONSTANT = 6  # BPF_RET | BPF_K

program = ctypes.create_string_buffer(
    struct.pack("=HBBI", RETURN_CONSTANT, 0, 0, 0))
sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sink.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                struct.pack("@HP", 1, ctypes.addressof(program)))
sink.bind(("0.0.0.0", int(sys.argv[1])))
print("ready", flush=True)
signal.pause()
