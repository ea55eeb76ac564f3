"""Runs two connectors of the package aioconnectors against two edges: kiosk7 at the first, and depot,
which is the application behind the server, at the second. Prints a line for each step, and ends with 1 at
the first that does not hold.

Its only argument is JSON: {"package": folder that has aioconnectors, or "" for what is installed,
"dir": an empty folder with a short name, "edges": [[host, port], [host, port]],
"mode": "plain", "tls", "token" or "certificate", "certificates": folder with certificates/ (for token and
certificate), "other": another one, for an impostor, "messages": how many are sent at once, "file": bytes of
the file that is sent}.
"""

import asyncio
import hashlib
import json
import logging
import os
import sys

CHUNK = 300_000  # fits an envelope of the default length, in base64
PATIENCE = 60

given = json.loads(sys.argv[1])
if given["package"]:
    sys.path.insert(0, given["package"])

import aioconnectors  # noqa: E402
import aioconnectors.core  # noqa: E402

if sys.version_info >= (3, 11):
    # With no room to write into, sends in TLS block one another there, whatever the server is.
    from asyncio import sslproto

    sslproto._SSLProtocolTransport.set_write_buffer_limits = lambda *a, **k: None


def secured(certificates):
    mode = given["mode"]
    if mode == "plain":
        return {"use_ssl": False}
    return {
        "use_ssl": True,
        "ssl_allow_all": mode != "certificate",
        **({"use_token": True, "token_verify_peer_cert": False, "token_client_send_cert": False} if mode == "token" else {}),
        "certificates_directory_path": certificates,
    }


def logger(name, folder):
    made = logging.getLogger(name)
    made.setLevel(logging.INFO)
    handler = logging.FileHandler(os.path.join(folder, "log"))
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    made.addHandler(handler)
    made.propagate = False
    return made


TYPES = ["any", "price", "file"]
TOPICS = ["news", "weather"]


class Connector:
    """A connector and its application."""

    def __init__(self, name, edge, topics, certificates=None):
        self.name = name
        self.folder = os.path.join(given["dir"], name)
        os.makedirs(self.folder, exist_ok=True)
        self.files = os.path.join(self.folder, "files")
        self.got = asyncio.Queue()
        self.address = tuple(edge)
        self.log = logger(name, self.folder)
        more = secured(certificates or given.get("certificates"))
        if more.get("use_token"):
            more["tokens_directory_path"] = self.folder
        self.manager = aioconnectors.ConnectorManager(
            is_server=False, client_name=name, server_sockaddr=self.address, connector_files_dirpath=self.folder,
            logger=self.log, send_message_types=list(TYPES), recv_message_types=TYPES + TOPICS, subscribe_message_types=list(topics),
            file_recv_config={"report": {"target_directory": self.files + "/"}}, **more)
        common = {
            "is_server": False, "client_name": name, "server_sockaddr": self.address, "connector_files_dirpath": self.folder,
            "logger": self.log, "send_message_types": list(TYPES), "recv_message_types": TYPES + TOPICS}
        try:
            self.api = aioconnectors.ConnectorAPI(max_size_chunk_upload=CHUNK, **common)
        except TypeError:  # of versions whose size is a constant
            aioconnectors.core.Connector.MAX_SIZE_CHUNK_UPLOAD = CHUNK
            self.api = aioconnectors.ConnectorAPI(**common)
        self.tool = aioconnectors.ConnectorRemoteTool(**common)

    async def start(self):
        await self.manager.start_connector()
        for kind in TYPES + TOPICS:
            await self.api.start_waiting_for_messages(message_type=kind, message_received_cb=self.receive)

    async def receive(self, log, header, data, binary):
        if header["message_type"] == "price" and header.get("await_response"):
            await self.api.send_message(
                message_type="price", response_id=header["request_id"], destination_id=header["source_id"], data={"price": 12})
            return
        await self.got.put((header, data, binary))

    async def gets(self):
        return await asyncio.wait_for(self.got.get(), PATIENCE)

    async def connected(self):
        """Waits until the server answers pings. The first may pass the connector's subscriptions, which wait for it to be
        let in by a token; the second is behind them."""
        answered = 0
        for _ in range(PATIENCE * 4):
            answer = await self.api.send_message_await_response(message_type="_ping", data="?", await_response_timeout=5)
            if answer and answer[0] and answer[0].get("message_type") == "_ping":
                answered += 1
                if answered == 2:
                    return
                continue
            await asyncio.sleep(0.25)
        raise AssertionError(self.name + " is not connected")


def holds(what, is_so, shown=""):
    if not is_so:
        raise AssertionError(f"{what}: {shown}")
    print("ok:", what, flush=True)


def digest(path):
    made = hashlib.sha256()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            made.update(block)
    return made.hexdigest()


def write_file(path, size):
    block = hashlib.sha256(b"limegrove").digest() * 32768
    with open(path, "wb") as f:
        for i in range(0, size, len(block)):
            f.write(i.to_bytes(8, "little") + block[8:min(len(block), size - i)])
        f.truncate(size)


async def publications(publisher, topic, other, data):
    await publisher.api.publish_message(message_type=topic, data=data)
    await publisher.api.publish_message(message_type=other, data="end")


async def run():
    kiosk = Connector("kiosk7", given["edges"][0], ["news"])
    depot = Connector("depot", given["edges"][1], ["news"])
    for one in (depot, kiosk):
        await one.start()
    for one in (depot, kiosk):
        await one.connected()
    print("ok: both are connected", flush=True)

    await kiosk.api.send_message(message_type="any", data={"n": 1})
    header, data, _ = await depot.gets()
    holds("data", header["source_id"] == "kiosk7" and json.loads(data) == {"n": 1}, (header, data))

    every = bytes(range(256)) * 100
    await kiosk.api.send_message(message_type="any", data="text", data_is_json=False, binary=every)
    header, data, binary = await depot.gets()
    holds("data and binary", data == b"text" and binary == every, (header, data))

    await kiosk.api.send_message(message_type="any", data={"n": 2}, wait_for_ack=True)
    await kiosk.api.send_message(message_type="any", data={"n": 3}, wait_for_ack=True)
    await depot.gets()
    _, data, _ = await depot.gets()
    with open(os.path.join(kiosk.folder, "log")) as f:
        acknowledged = f.read()
    holds("acknowledged", "received ACK for transport id 1" in acknowledged and json.loads(data) == {"n": 3}, data)

    header, data, _ = await kiosk.api.send_message_await_response(
        message_type="price", data={"of": "x"}, request_id=7, await_response_timeout=PATIENCE)
    holds("an awaited response", header["response_id"] == 7 and json.loads(data) == {"price": 12}, (header, data))
    header, data, _ = await kiosk.api.send_message_await_response(
        message_type="price", data={"of": "y"}, request_id="eight", await_response_timeout=PATIENCE)
    holds("by a text", header["response_id"] == "eight", header)

    for n in range(given["messages"]):
        await kiosk.api.send_message(message_type="any", data={"n": n})
    for n in range(given["messages"]):
        _, data, _ = await depot.gets()
        if json.loads(data) != {"n": n}:
            raise AssertionError(f"message {n} is {data}")
    print("ok:", given["messages"], "messages, in order", flush=True)

    source = os.path.join(kiosk.folder, "source.bin")
    write_file(source, given["file"])
    want = digest(source)
    # Not with wait_for_ack: the package then deletes pieces that it has queued only.
    sent = await kiosk.api.send_message(
        message_type="file", data={}, with_file={"src_path": source, "dst_type": "report", "dst_name": "report.bin"})
    holds("a file is sent", sent)
    joined, count, header = os.path.join(depot.files, "report.bin"), 0, {}
    for _ in range((given["file"] + CHUNK - 1) // CHUNK):
        header, data, binary = await depot.gets()
        count += 1
        holds_binary = not binary
        if not holds_binary:
            raise AssertionError("the file is left in a message")
    holds(f"a file of {given['file']} bytes in {count} pieces", digest(joined) == want, digest(joined))

    await kiosk.api.publish_message(message_type="news", data={"n": 1})
    for one in (kiosk, depot):
        header, data, _ = await one.gets()
        holds("a publication for " + one.name, header["message_type"] == "news" and json.loads(data) == {"n": 1}, (header, data))

    await depot.tool.set_subscribe_message_types("weather")
    shown = await depot.tool.show_subscribe_message_types()
    holds("subscriptions are changed", b"weather" in shown and b"news" not in shown, shown)
    await depot.connected()  # what it has said is taken by then
    await publications(kiosk, "news", "weather", {"n": 2})
    await kiosk.gets()
    header, data, _ = await depot.gets()
    holds("what it has left does not come", header["message_type"] == "weather" and json.loads(data) == "end", (header, data))

    for one in (kiosk, depot):
        peers = json.loads(await one.tool.show_connected_peers())
        holds("peers are shown at " + one.name, list(peers) == [str(one.address)], peers)

    await kiosk.tool.ignore_peer_traffic_enable()
    await depot.api.publish_message(message_type="news", data={"n": 3})
    await depot.connected()
    await asyncio.sleep(1)
    await kiosk.tool.ignore_peer_traffic_disable()
    await kiosk.connected()
    await depot.api.publish_message(message_type="news", data={"n": 4})
    _, data, _ = await kiosk.gets()
    holds("what is ignored does not come", json.loads(data) == {"n": 4}, data)

    await kiosk.tool.restart_connector()
    await kiosk.connected()
    await depot.api.publish_message(message_type="news", data={"n": 5})
    _, data, _ = await kiosk.gets()
    holds("after a restart it comes", json.loads(data) == {"n": 5}, data)
    await depot.api.publish_message(message_type="news", data={"n": 6})
    _, data, _ = await kiosk.gets()
    holds("and once", json.loads(data) == {"n": 6}, data)

    if given["mode"] == "certificate":
        await impostor()
    for one in (kiosk, depot):
        await one.manager.stop_connector(shutdown=True)
    print("ok: all", flush=True)


async def impostor():
    """Another one by the name of kiosk7, who has the default certificate alone."""
    folder = os.path.join(given["dir"], "impostor")
    os.makedirs(folder, exist_ok=True)
    given["dir"] = folder
    eve = Connector("kiosk7", given["edges"][1], [], certificates=given["other"])
    await eve.start()
    await asyncio.sleep(7)  # it has tried, and tries again
    with open(os.path.join(eve.folder, "log")) as f:
        log = f.read()
    own = os.path.join(given["other"], "certificates/client/client-certs/kiosk7.pem")
    holds("an impostor is refused", "sending get_new_certificate" in log and "Server disconnected" in log and not os.path.exists(own), log)
    await eve.manager.stop_connector(shutdown=True, hard=True)


asyncio.run(run())
