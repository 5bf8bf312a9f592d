"""A small threaded HTTP/1.1 server for WSGI applications; green when eventlet has patched the process.

The releases come with different servers (or expect one from outside); one of our own serves all alike.
"""

import http.server
import io
import os
import socketserver
import sys
import traceback
import urllib.parse

BLOCK = 1 << 16
# Sent with every answer: who asks can tell this very process from a stranger on the same port.
SIGNATURE = f"pumphouse-lab pid={os.getpid()}"


class Gate:
    """Answers 503 until the service's application is there, so that one port can be polled."""

    def __init__(self):
        self.application = None
        self.control = None

    def __call__(self, environ, start_response):
        if self.control and environ["PATH_INFO"].startswith("/lab/"):
            return self._control(environ["PATH_INFO"][5:].split("/"), start_response)
        if self.application is None:
            return self._say(start_response, "503 Service Unavailable", "starting")
        return self.application(environ, start_response)

    def _control(self, words, start_response):
        try:
            return self._say(start_response, "200 OK", self.control(words))
        except Exception:
            return self._say(start_response, "500 Internal Server Error", traceback.format_exc())

    @staticmethod
    def _say(start_response, status, text):
        body = text.encode()
        start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
        return [body]


class RequestBody(io.RawIOBase):
    """The body of one request, of known length or chunked (Glance's clients send images chunked)."""

    def __init__(self, stream, length, chunked):
        self._stream = stream
        self._left = length
        self._chunked = chunked
        self._ended = False

    def readable(self):
        return True

    def readinto(self, buffer):
        if not self._ended and self._chunked and self._left == 0:
            self._next_chunk()
        if self._ended or self._left == 0:
            return 0
        data = self._stream.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        self._ended = not data
        if self._chunked and self._left == 0:
            self._stream.readline(8)
        return len(data)

    def _next_chunk(self):
        size = self._stream.readline(256).split(b";")[0].strip()
        self._left = int(size or b"0", 16)
        if self._left == 0:
            self._ended = True
            while self._stream.readline(BLOCK) not in (b"\r\n", b"\n", b""):
                pass  # trailers


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    rbufsize = wbufsize = BLOCK
    disable_nagle_algorithm = True
    timeout = 300

    def log_message(self, *_):
        pass

    def version_string(self):
        return SIGNATURE

    def serve(self):
        chunked = "chunked" in (self.headers.get("Transfer-Encoding") or "").lower()
        raw = RequestBody(self.rfile, int(self.headers.get("Content-Length") or 0), chunked)
        try:
            Answer(self).send(self.server.application, self._environ(raw, chunked))
            self._drain(raw)
        except OSError:  # the client has gone
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = serve

    def _environ(self, raw, chunked):
        path, _, query = self.path.partition("?")
        environ = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": urllib.parse.unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "RAW_PATH_INFO": path,
            "REQUEST_URI": self.path,
            "SERVER_NAME": self.server.server_name,
            "SERVER_PORT": str(self.server.server_port),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BufferedReader(raw, BLOCK),
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            if key == "CONTENT_TYPE" or (key == "CONTENT_LENGTH" and not chunked):
                environ[key] = value
            elif key != "CONTENT_LENGTH":
                key = "HTTP_" + key
                environ[key] = f"{environ[key]},{value}" if key in environ else value
        return environ

    def _drain(self, raw):
        """Read what the application left, for the next request on this connection; a little only.

        From the raw stream: Glance closes the buffered one.
        """
        self.wfile.flush()
        buffer = bytearray(BLOCK)
        for _ in range(64):
            if not raw.readinto(buffer):
                return
        self.close_connection = True


class Answer:
    """Carries one WSGI answer to the client."""

    def __init__(self, handler):
        self._handler = handler
        self._status = None
        self._headers = ()
        self._head_sent = self._chunked = self._bodyless = False

    def send(self, application, environ):
        parts = application(environ, self._start)
        try:
            for part in parts:
                if part:
                    self._write(part)
            if not self._head_sent:
                self._send_head()
            if self._chunked:
                self._handler.wfile.write(b"0\r\n\r\n")
        finally:
            if hasattr(parts, "close"):
                parts.close()

    def _start(self, status, headers, exc_info=None):
        self._status, self._headers = status, headers
        return self._write

    def _write(self, data):
        if not self._head_sent:
            self._send_head()
        if self._bodyless:
            return
        wfile = self._handler.wfile
        wfile.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def _send_head(self):
        handler, self._head_sent = self._handler, True
        code, _, reason = self._status.partition(" ")
        handler.send_response_only(int(code), reason)
        handler.send_header("Server", SIGNATURE)
        handler.send_header("Date", handler.date_time_string())
        names = set()
        for name, value in self._headers:
            names.add(name.lower())
            if name.lower() not in ("connection", "transfer-encoding", "server"):
                handler.send_header(name, value)
        self._bodyless = handler.command == "HEAD" or int(code) in (204, 304)
        if "content-length" not in names and not self._bodyless:
            if handler.request_version == "HTTP/1.1":
                self._chunked = True
                handler.send_header("Transfer-Encoding", "chunked")
            else:
                handler.close_connection = True
        if handler.close_connection:
            handler.send_header("Connection", "close")
        handler.end_headers()


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self):
        # HTTPServer's own asks the resolver for this machine's name, which may take seconds
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]


def listen(application, port):
    server = Server(("127.0.0.1", port), Handler)
    server.application = application
    return server
