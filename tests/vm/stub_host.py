# SPDX-License-Identifier: BSD-2-Clause
"""A host end that knows the partition protocol and no VMBus: it writes down
what a machine says and acknowledges it."""
import array
import os
import socket
import struct
import threading

HELLO, MEM_ADD, MEM_DEL, VP_FDS, VP_REGS, POST, RESET, DETACH = range(1, 9)
HELLO_ACK, ACK, SIGNAL_ADD = 65, 66, 67


class StubHost:
    """Serves one connection after another; seen and eventfds are the last's."""

    def __init__(self, path, connections=(1, 4)):
        self.seen = []          # (type, fields, number of descriptors)
        self.eventfds = []      # (interrupt, end of message) of each vp
        self.served = 0
        self.connections = connections
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(path)
        self.listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def of(self, kind):
        return [fields for k, fields, _ in list(self.seen) if k == kind]

    def signal_add(self, connection, fd):
        """Name fd as what the machine signals that connection id by."""
        socket.send_fds(self.sock, [struct.pack('=IIII', SIGNAL_ADD, 0,
                                                connection, 0)], [fd])

    def _serve(self):
        while True:
            self.sock, _ = self.listener.accept()
            self.seen, self.eventfds = [], []
            self.served += 1
            try:
                while self._message(self.sock):
                    pass
            except OSError:     # the machine let go of us
                pass

    def _message(self, s):
        data, anc, _, _ = s.recvmsg(512, socket.CMSG_SPACE(8))
        if not data:
            return False
        fds = array.array('i')
        for level, kind, raw in anc:
            fds.frombytes(raw)
        kind, seq = struct.unpack_from('=II', data)
        self.seen.append((kind, self._fields(kind, data[8:], fds), len(fds)))
        if kind == VP_FDS:
            self.eventfds.append(tuple(fds))
        else:
            for fd in fds:
                os.close(fd)
        if kind == HELLO:
            ids = list(self.connections) + [0] * 4
            s.send(struct.pack('=IIIII4II', HELLO_ACK, seq, 0, 1,
                               len(self.connections), *ids[:4], 64))
        elif kind != POST:
            s.send(struct.pack('=IIII', ACK, seq, 0, 0))
        return True

    @staticmethod
    def _fields(kind, body, fds):
        if kind == HELLO:
            magic, version, vps, guest, nics, pid = struct.unpack_from(
                '=6I', body)
            return dict(magic=magic, version=version, vps=vps, kind=guest,
                        name=body[24:56].rstrip(b'\0').decode(),
                        nic=body[56:88].rstrip(b'\0').decode())
        if kind == MEM_ADD:
            gpa, size, offset = struct.unpack_from('=3Q', body)
            return dict(gpa=gpa, bytes=size, offset=offset,
                        file=os.fstat(fds[0]).st_size)
        if kind == VP_REGS:
            vp, flags, simp, siefp = struct.unpack_from('=IIQQ', body)
            return dict(vp=vp, flags=flags, simp=simp, siefp=siefp)
        if kind == POST:
            conn, size = struct.unpack_from('=II', body)
            return dict(connection=conn, payload=body[8:8 + size])
        if kind == VP_FDS:
            return dict(vp=struct.unpack_from('=I', body)[0])
        return {}
