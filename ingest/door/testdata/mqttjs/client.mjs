// Drives the door with mqtt.js and prints what it saw as one JSON object.
// usage: node client.mjs URL VERSION [CA-FILE]
import { readFileSync } from "node:fs";
import mqtt from "mqtt";

const [url, version, caFile] = process.argv.slice(2);
const protocolVersion = Number(version);
const base = {
  protocolVersion, username: "teld", password: "pw-teld", clientId: "js", clean: true,
  reconnectPeriod: 0, connectTimeout: 10_000, ...(caFile && { ca: readFileSync(caFile) }),
};
const own = "dianchi/v1/teld/feedback";
const seen = { feedback: null, published: 0, foreignSubscription: null, foreignPublish: null, wrongPassword: null };
setTimeout(() => { console.log(JSON.stringify({ ...seen, timedOut: true })); process.exit(1); }, 30_000).unref();

const once = (emitter, event) => new Promise((resolve) => emitter.once(event, (...args) => resolve(args)));

const client = mqtt.connect(url, base);
client.on("error", () => {});
await once(client, "connect");

const heard = once(client, "message");
await client.subscribeAsync(own, { qos: 1 });
const [topic, payload, packet] = await heard;
seen.feedback = { topic, payload: payload.toString(), retain: packet.retain, qos: packet.qos };

for (const qos of [0, 1, 2]) {
  for (let i = 0; i < 100; i++) {
    await client.publishAsync("dianchi/v1/teld/piles", String(seen.published++), { qos });
  }
}

seen.foreignSubscription = await new Promise((resolve) =>
  client.subscribe("dianchi/v1/byd/#", { qos: 1 }, (err, granted) => resolve(!!err || granted[0].qos >= 128)));

const closed = once(client, "close").then(() => "closed");
const answered = new Promise((resolve) =>
  client.publish("dianchi/v1/byd/fleet", "[]", { qos: 1 }, (err) => resolve(err?.code ?? err?.message ?? "taken")));
seen.foreignPublish = await Promise.race(protocolVersion === 5 ? [answered, closed] : [closed]);
client.end(true);

const stranger = mqtt.connect(url, { ...base, clientId: "stranger", password: "no" });
const [err] = await once(stranger, "error");
seen.wrongPassword = err.code;
stranger.end(true);

console.log(JSON.stringify(seen));
process.exit(0);
