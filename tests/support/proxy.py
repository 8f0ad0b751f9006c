"""A TCP proxy that can be cut: what stands between two halves of a swarm in partition tests."""
import selectors
import socket
import threading


class Proxy:
    """Listens on a loopback port and carries every connection to `target` ("host:port").

    cut() closes all connections and refuses new ones at once after accepting them, as a path that
    is broken does for TCP; heal() carries again."""

    def __init__(self, target):
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self._is_cut = False
        self._pairs = {}  # socket -> the other end
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._wake_in, self._wake_out = socket.socketpair()
        self._selector.register(self._wake_in, selectors.EVENT_READ)
        self._closing = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def connections(self):
        with self._lock:
            return len(self._pairs) // 2

    def cut(self):
        self._is_cut = True
        with self._lock:
            for end in list(self._pairs):
                _shut(end)  # the loop sees the end of both and drops them

    def heal(self):
        self._is_cut = False

    def close(self):
        self._closing = True
        self._wake_out.send(b"x")
        self._thread.join()
        for end in [*self._pairs, self._listener, self._wake_in, self._wake_out]:
            end.close()
        self._selector.close()

    # ---- the loop, on a thread of its own ---------------------------------------------------

    def _run(self):
        while not self._closing:
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj is not self._wake_in:
                    self._carry(key.fileobj)

    def _accept(self):
        client, _ = self._listener.accept()
        if self._is_cut:
            client.close()
            return
        try:
            server = socket.create_connection(self._target, timeout=5)
        except OSError:
            client.close()
            return
        with self._lock:
            self._pairs[client], self._pairs[server] = server, client
        for end in (client, server):
            self._selector.register(end, selectors.EVENT_READ)

    def _carry(self, end):
        other = self._pairs.get(end)
        if other is None:
            return  # dropped by an event before this one
        try:
            data = end.recv(65536)
            if data:
                other.sendall(data)  # a node that does not read for long holds both up, as TCP does
                return
        except OSError:
            pass
        with self._lock:
            for closing in (end, other):
                self._pairs.pop(closing, None)
        for closing in (end, other):
            self._selector.unregister(closing)
            closing.close()


def _shut(end):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
