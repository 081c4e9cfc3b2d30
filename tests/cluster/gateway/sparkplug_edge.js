// The edge node of sparkplug_peer.py, made of npm's sparkplug-client: a third implementation of
// Sparkplug B, whose births, sequence numbers, payloads and deaths are its own. Only where somebody
// has installed it: ops/gateway/README.md, Tests.
//
// usage: node sparkplug_edge.js DIRECTORY, the one below which node_modules has it
'use strict';

const fs = require('fs');
const path = require('path');
const { createRequire } = require('module');

const find = createRequire(path.resolve(process.argv[2], 'x.js'));
const sparkplug = find('sparkplug-client');
const work = process.env.WEFT_MQTT_WORK;
const device = 'press7';
const url = `tcp://${process.env.WEFT_MQTT_HOST}:${process.env.WEFT_MQTT_PORT}`;
const state = { speed: 0, strokes: 0, closed: true, deaf: false };

const client = sparkplug.newClient({
  serverUrl: url, username: 'press', password: 'press', groupId: 'line2', edgeNode: 'cell',
  clientId: 'press', version: 'spBv1.0', keepalive: 30,
});

function tell(line) {
  fs.appendFileSync(path.join(work, 'told'), `${line}\n`);
}

function outputs() {
  const timestamp = Date.now();
  return [
    { name: 'Outputs/Speed', type: 'Double', value: state.speed, timestamp },
    { name: 'Outputs/Strokes', type: 'Int64', value: state.strokes, timestamp },
    { name: 'Guard/Closed', type: 'Boolean', value: state.closed, timestamp },
  ];
}

function say() {
  client.publishDeviceData(device, { timestamp: Date.now(), metrics: outputs() });
}

function beBorn() {
  const timestamp = Date.now();
  client.publishNodeBirth({ timestamp,
    metrics: [{ name: 'Node Control/Rebirth', type: 'Boolean', value: false }] });
  client.publishDeviceBirth(device, { timestamp, metrics: [...outputs(),
    { name: 'Inputs/Speed', type: 'Float', value: state.speed, timestamp },
    { name: 'Inputs/Jog', type: 'Boolean', value: false, timestamp }] });
}

client.on('birth', beBorn);
client.on('error', (error) => { throw error; });

client.on('ncmd', (payload) => {
  if (payload.metrics.some((m) => m.name === 'Node Control/Rebirth' && m.value === true)) {
    tell('rebirth');
    beBorn();
  }
});

client.on('dcmd', (_device, payload) => {
  for (const metric of payload.metrics) {
    if (metric.name === 'Inputs/Speed') {
      tell(`speed ${metric.value}`);
      state.speed = state.deaf ? state.speed : metric.value;
    } else if (metric.name === 'Inputs/Jog') {
      tell('jog');
      state.strokes += state.deaf ? 0 : 1;
    } else {
      tell(`unknown ${metric.name}`);
    }
  }
  say();
});

// Somebody else than the gateway, who commands the press: the broker's rules forbid it.
function intrude() {
  const other = find('mqtt').connect(url, { clientId: 'intruder', username: 'intruder',
    password: 'intruder' });
  const command = client.encodePayload({ timestamp: Date.now(),
    metrics: [{ name: 'Inputs/Speed', type: 'Float', value: 55 }] });
  other.on('connect', () => other.publish(`spBv1.0/line2/DCMD/cell/${device}`,
    Buffer.from(command), { qos: 1 }, () => other.end()));
}

function obey(order) {
  if (order === 'intrude') {
    intrude();
  } else if (order === 'death') {
    client.publishNDeath(client.client);
  } else if (order === 'gap') {
    client.seq = (client.seq + 3) % 256;
    say();
  } else if (order === 'deaf' || order === 'hear') {
    state.deaf = order === 'deaf';
  } else if (order === 'open' || order === 'closed') {
    state.closed = order === 'closed';
    say();
  }
}

let done = 0;
setInterval(() => {
  const lines = fs.readFileSync(path.join(work, 'orders'), 'utf8').split('\n').slice(0, -1);
  lines.slice(done).forEach(obey);
  done = lines.length;
}, 50);
setInterval(() => { if (client.connected) { say(); } }, 300);
