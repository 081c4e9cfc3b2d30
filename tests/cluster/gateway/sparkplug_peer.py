#!/usr/bin/python3
"""An edge node of Sparkplug B with one press, and the broker between it and the gateway.

usage: sparkplug_peer.py --work DIR [--edge "PROGRAM ARG..." | --npm DIR] -- GATEWAY_TEST [ARG...]

Starts mosquitto on a port of loopback with the rules of ops/samples/gateway, becomes an edge node
with Debian's paho-mqtt and protobuf, of a .proto of its own that protoc compiles, and then runs
GATEWAY_TEST with the port in WEFT_MQTT_PORT. So what the gateway encodes is decoded by Google's
implementation, and the other way round: nothing here is ours but the field numbers, which are the
specification's (Eclipse Sparkplug 3.0.0, chapter 6). Everything that the press was told goes into
DIR/told, a line each. What is on DIR/orders (one word a line) it does: "death", "gap", "deaf" (it
is told, and does not follow), "hear", "open", "closed", "intrude". With --edge that program is the
edge node instead: it finds broker and DIR in the environment, as the test does. With --npm it is
sparkplug_edge.js with the sparkplug-client below that directory; exit 77 where there is none."""

import argparse
import importlib.util
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading
import time

PROTO = """
syntax = "proto2";
package org.peer;
message Payload {
  message Metric {
    optional string name = 1; optional uint64 alias = 2; optional uint64 timestamp = 3;
    optional uint32 datatype = 4; optional bool is_historical = 5; optional bool is_transient = 6;
    optional bool is_null = 7;
    oneof value { uint32 int_value = 10; uint64 long_value = 11; float float_value = 12;
      double double_value = 13; bool boolean_value = 14; string string_value = 15; }
  }
  optional uint64 timestamp = 1; repeated Metric metrics = 2; optional uint64 seq = 3;
}
"""
INT64, FLOAT, DOUBLE, BOOLEAN, STRING = 4, 9, 10, 11, 12
GROUP, NODE, DEVICE = "line2", "cell", "press7"
SKIPPED = 77


def own_address():
    """As tests/lib/loopback.h: an address of loopback that is this process's own."""
    pid = os.getpid()
    return f"127.{1 + (pid >> 16) % 64}.{(pid >> 8) % 256}.{pid % 256}"


def free_port(address):
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def start_broker(work, address, port):
    rules = work / "acl"
    rules.write_text(f"""user gateway
topic read spBv1.0/{GROUP}/+/{NODE}/#
topic write spBv1.0/{GROUP}/NCMD/{NODE}
topic write spBv1.0/{GROUP}/DCMD/{NODE}/#
topic write spBv1.0/STATE/#
user press
topic write spBv1.0/{GROUP}/+/{NODE}/#
topic read spBv1.0/{GROUP}/NCMD/{NODE}
topic read spBv1.0/{GROUP}/DCMD/{NODE}/#
""", encoding="utf-8")
    settings = work / "mosquitto.conf"
    settings.write_text(f"listener {port} {address}\nallow_anonymous true\nacl_file {rules}\n"
                        "log_dest stderr\npersistence false\n", encoding="utf-8")
    log = open(work / "mosquitto.log", "wb")
    broker = subprocess.Popen(["/usr/sbin/mosquitto", "-c", str(settings)], stderr=log)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((address, port), timeout=1):
                return broker
        except OSError:
            time.sleep(0.05)
    broker.terminate()
    sys.exit("the broker does not answer")


def load_payload(work):
    (work / "peer.proto").write_text(PROTO, encoding="utf-8")
    subprocess.run(["protoc", f"--python_out={work}", f"--proto_path={work}", "peer.proto"],
                   check=True)
    spec = importlib.util.spec_from_file_location("peer_pb2", work / "peer_pb2.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Payload


class Press:
    """The edge node, with its one device."""

    def __init__(self, payload, work):
        import paho.mqtt.client as mqtt
        self.payload, self.work, self.lock = payload, work, threading.RLock()
        self.seq, self.bd_seq, self.speed, self.strokes = 0, 0, 0.0, 0
        self.closed, self.deaf, self.address = True, False, None
        version = getattr(mqtt, "CallbackAPIVersion", None)  # of paho-mqtt 2
        self.client = mqtt.Client(*([version.VERSION1] if version else []), client_id="press",
                                  protocol=mqtt.MQTTv311)
        self.client.username_pw_set("press")
        self.client.on_connect = self.on_connect
        self.client.on_message = self.on_message

    def connect(self, address, port):
        self.address = (address, port)
        will = self.payload()
        self.add(will, "bdSeq", INT64, long_value=self.bd_seq)
        self.client.will_set(self.topic("NDEATH"), will.SerializeToString(), qos=1)
        self.client.connect(address, port, keepalive=30)
        self.client.loop_start()

    @staticmethod
    def topic(kind, device=""):
        return f"spBv1.0/{GROUP}/{kind}/{NODE}" + (f"/{device}" if device else "")

    @staticmethod
    def add(payload, name, datatype, alias=None, **value):
        metric = payload.metrics.add()
        if name:
            metric.name = name
        if alias is not None:
            metric.alias = alias
        metric.timestamp = int(time.time() * 1000)
        if datatype:
            metric.datatype = datatype
        for key, content in value.items():
            setattr(metric, key, content)
        return metric

    def send(self, kind, payload, device=""):
        payload.timestamp = int(time.time() * 1000)
        if kind != "NDEATH":
            payload.seq = self.seq
            self.seq = (self.seq + 1) % 256
        self.client.publish(self.topic(kind, device), payload.SerializeToString(), qos=0)

    def be_born(self):
        self.seq = 0
        birth = self.payload()
        self.add(birth, "bdSeq", INT64, long_value=self.bd_seq)
        self.add(birth, "Node Control/Rebirth", BOOLEAN, boolean_value=False)
        self.send("NBIRTH", birth)
        device = self.payload()
        self.add(device, "Outputs/Speed", DOUBLE, alias=1, double_value=self.speed)
        self.add(device, "Outputs/Strokes", INT64, alias=2, long_value=self.strokes)
        self.add(device, "Guard/Closed", BOOLEAN, alias=3, boolean_value=self.closed)
        self.add(device, "Inputs/Speed", FLOAT, alias=4, float_value=self.speed)
        self.add(device, "Inputs/Jog", BOOLEAN, alias=5, boolean_value=False)
        self.send("DBIRTH", device, DEVICE)

    def say(self):
        """Data by alias alone."""
        data = self.payload()
        self.add(data, "", 0, alias=1, double_value=self.speed)
        self.add(data, "", 0, alias=2, long_value=self.strokes)
        self.add(data, "", 0, alias=3, boolean_value=self.closed)
        self.send("DDATA", data, DEVICE)

    def on_connect(self, client, _data, _flags, _code):
        client.subscribe([(self.topic("NCMD"), 0), (self.topic("DCMD") + "/#", 0)])
        with self.lock:
            self.be_born()

    def on_message(self, _client, _data, message):
        command = self.payload()
        command.ParseFromString(message.payload)
        with self.lock, open(self.work / "told", "a", encoding="utf-8") as told:
            if "/NCMD/" in message.topic:
                assert command.metrics[0].name == "Node Control/Rebirth"
                assert command.metrics[0].boolean_value is True
                told.write("rebirth\n")
                self.be_born()
                return
            assert not command.HasField("seq") and command.timestamp > 0
            for metric in command.metrics:
                if metric.name == "Inputs/Speed":
                    assert metric.datatype == FLOAT and metric.WhichOneof("value") == "float_value"
                    told.write(f"speed {metric.float_value:g}\n")
                    self.speed = self.speed if self.deaf else float(metric.float_value)
                elif metric.name == "Inputs/Jog":
                    assert metric.datatype == BOOLEAN and metric.boolean_value
                    told.write("jog\n")
                    self.strokes += 0 if self.deaf else 1
                else:
                    told.write(f"unknown {metric.name}\n")
            self.say()

    def intrude(self):
        """Somebody else than the gateway, who commands the press: the broker's rules forbid it."""
        import paho.mqtt.publish as publish
        command = self.payload()
        self.add(command, "Inputs/Speed", FLOAT, float_value=55)
        publish.single(self.topic("DCMD", DEVICE), command.SerializeToString(), qos=1,
                       hostname=self.address[0], port=self.address[1], client_id="intruder",
                       auth={"username": "intruder"})

    def obey(self, order):
        with self.lock:
            if order == "death":
                death = self.payload()
                self.add(death, "bdSeq", INT64, long_value=self.bd_seq)
                self.send("NDEATH", death)
            elif order == "gap":
                self.seq = (self.seq + 3) % 256
                self.say()
            elif order == "intrude":
                self.intrude()
            elif order in ("deaf", "hear"):
                self.deaf = order == "deaf"
            elif order in ("open", "closed"):
                self.closed = order == "closed"
                self.say()

    def live(self, until):
        """Orders, and a word each 300 ms, so that what is read is fresh."""
        orders, done = self.work / "orders", 0
        while not until():
            lines = orders.read_text(encoding="utf-8").split("\n")[:-1] if orders.exists() else []
            for order in lines[done:]:
                self.obey(order)
            done = len(lines)
            time.sleep(0.05)
            if int(time.monotonic() * 20) % 6 == 0:
                with self.lock:
                    self.say()


def npm_edge(directory):
    """The command of the edge node by npm's sparkplug-client; None, and why: it is not here."""
    node = shutil.which("node")
    if not node or not (directory / "node_modules/sparkplug-client").is_dir():
        print("skipped: npm's sparkplug-client is not here, which ops/dev/setup does not install; "
              f"npm install --prefix {directory} sparkplug-client", flush=True)
        return None
    script = pathlib.Path(__file__).resolve().parent / "sparkplug_edge.js"
    return f"{node} {script} {directory}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--edge", help="another edge node than this one's own")
    parser.add_argument("--npm", type=pathlib.Path)
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()
    if args.npm:
        args.edge = npm_edge(args.npm)
        if not args.edge:
            return SKIPPED
    args.work.mkdir(parents=True, exist_ok=True)
    for name in ("told", "orders"):
        (args.work / name).write_text("", encoding="utf-8")
    address = own_address()
    port = free_port(address)
    broker = start_broker(args.work, address, port)
    environment = dict(os.environ, WEFT_MQTT_HOST=address, WEFT_MQTT_PORT=str(port),
                       WEFT_MQTT_WORK=str(args.work.resolve()))
    edge = None
    try:
        if args.edge:
            edge = subprocess.Popen(args.edge.split(), env=environment)
            return subprocess.run(args.command, env=environment, check=False).returncode
        press = Press(load_payload(args.work), args.work)
        press.connect(address, port)
        test = subprocess.Popen(args.command, env=environment)
        press.live(lambda: test.poll() is not None)
        press.client.loop_stop()
        return test.returncode
    finally:
        if edge:
            edge.terminate()
            edge.wait()
        broker.terminate()
        broker.wait()


if __name__ == "__main__":
    sys.exit(main())
