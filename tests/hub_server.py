"""A server that speaks as much of the Hugging Face Hub as a push and a fetch need."""

import base64
import hashlib
import json
import re
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Hub:
    """What the server holds: by repository its visibility and its revisions, each a mapping of files."""

    def __init__(self):
        self.private, self.commits, self.received, self.unknown = {}, {}, b"", []

    def files(self, name, revision):
        commits = self.commits.get(name, {})
        if revision in ("main", None):
            return list(commits.items())[-1] if commits else (None, None)
        return revision, commits.get(revision)

    def commit(self, name, body):
        files = dict(self.files(name, "main")[1] or {})
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
        made = hashlib.sha1(repr((sorted(files.items()), len(self.commits.get(name, {})))).encode()).hexdigest()
        self.commits.setdefault(name, {})[made] = files
        return made


@contextmanager
def hub_server():
    """Serve a hub on this machine; yield it and its address."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def answer(self, value, status=200, **headers):
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            for key, text in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(key.replace("_", "-"), text)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def missing(self, code, status=404):
            self.answer({"error": code}, status, X_Error_Code=code)

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            hub.received += body
            if self.path == "/api/repos/create":
                asked = json.loads(body)
                name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
                fresh = name not in hub.private
                if fresh:
                    hub.private[name] = asked.get("private", asked.get("visibility") == "private")
                return self.answer({"url": f"{address}/{name}"}, 200 if fresh else 409)
            if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/preupload/main", self.path):
                files = [
                    {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                    for file in json.loads(body)["files"]
                ]
                return self.answer({"files": files})
            if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/main", self.path):
                made = hub.commit(match[1], body)
                return self.answer(
                    {"success": True, "commitOid": made, "commitUrl": f"{address}/{match[1]}/commit/{made}"}
                )
            if self.path == "/api/validate-yaml":
                return self.answer({"errors": [], "warnings": []})
            hub.unknown.append(self.path)
            return self.missing("Unknown")

        def do_GET(self):
            if self.path == "/api/agent-harnesses":  # which the library asks by itself
                return self.missing("Unknown")
            if match := re.fullmatch(r"/api/models/([^/]+/[^/]+?)(?:/revision/(.+))?", self.path.partition("?")[0]):
                revision, files = hub.files(match[1], match[2])
                if match[1] not in hub.private:
                    return self.missing("RepoNotFound")
                if files is None:
                    return self.missing("RevisionNotFound")
                about = {"id": match[1], "sha": revision, "siblings": [{"rfilename": file} for file in files]}
                return self.answer({**about, "private": hub.private[match[1]], "tags": [], "downloads": 0})
            if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/([^/]+)", self.path.partition("?")[0]):
                _, files = hub.files(match[1], match[2])
                entries = [
                    {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                    for path, content in (files or {}).items()
                ]
                return self.answer(entries)
            if match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", self.path):
                revision, files = hub.files(match[1], match[2])
                if match[1] not in hub.private:
                    return self.missing("RepoNotFound")
                if match[3] not in (files or {}):
                    return self.missing("EntryNotFound")
                content = files[match[3]]
                return self.answer(content, ETag=f'"{hashlib.sha1(content).hexdigest()}"', X_Repo_Commit=revision)
            hub.unknown.append(self.path)
            return self.missing("Unknown")

        do_HEAD = do_GET

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub, address
    finally:
        server.shutdown()
        server.server_close()
