"""Takes rights away from this process for good: no network, no other programs (Linux: a seccomp filter).

Files from elsewhere are read in a process that has called ``confine`` first: should one of them manage to run
code after all, it could neither send nor start anything.
"""

from __future__ import annotations

import ctypes
import platform
import socket
import struct
import sys

_DENIED = {
    "x86_64": {
        "socket": 41,
        "connect": 42,
        "sendto": 44,
        "sendmsg": 46,
        "execve": 59,
        "ptrace": 101,
        "execveat": 322,
        "io_uring_setup": 425,
    },
    "aarch64": {
        "socket": 198,
        "connect": 203,
        "sendto": 206,
        "sendmsg": 211,
        "execve": 221,
        "ptrace": 117,
        "execveat": 281,
        "io_uring_setup": 425,
    },
}
"""System calls that are refused, by machine. io_uring would be a way around the others."""
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_CALLS = 0x40000000
"""x86_64: numbers from here on are another way to the same calls."""

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # BPF instructions
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050001  # SECCOMP_RET_ALLOW; SECCOMP_RET_ERRNO with EPERM
_OFFSET_OF_CALL, _OFFSET_OF_MACHINE = 0, 4  # in struct seccomp_data
_SET_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2  # of prctl


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def confine() -> bool:
    """Refuse network and programs from now on, to this process and all it starts; call it before starting
    threads.

    Returns False where the system has no such filter: then Python's own sockets are closed off, and that is
    all.
    """
    machine = platform.machine()
    if sys.platform == "linux" and machine in _DENIED and _install(machine):
        return True

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("this process has no network")

    socket.socket = refuse  # type: ignore[assignment, misc]
    return False


def _install(machine: str) -> bool:
    numbers = sorted(_DENIED[machine].values())
    # Jumps count the instructions to skip; the last two are "allow" and "refuse".
    body: list[tuple[int, int, int, int]] = [
        (_AT_LEAST, len(numbers) + 1, 0, _X32_CALLS) if machine == "x86_64" else (_EQUAL, 0, 0, 0),
        *((_EQUAL, len(numbers) - i, 0, number) for i, number in enumerate(numbers)),
    ]
    program = [
        (_LOAD, 0, 0, _OFFSET_OF_MACHINE),
        (_EQUAL, 0, len(body) + 2, _AUDIT_ARCH[machine]),
        (_LOAD, 0, 0, _OFFSET_OF_CALL),
        *body,
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in program)
    libc = ctypes.CDLL(None, use_errno=True)
    described = _Program(len(program), code)
    if libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(described), 0, 0) == 0)
