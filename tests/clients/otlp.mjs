// Reads bodies of an OTLP collector with the messages that OpenTelemetry's JavaScript has generated from the protocol. Standard
// input: [[content type, base64], ...]; prints the spans. Ends with an error where a body is not what the protocol says.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(import.meta.url);
const { opentelemetry } = require("@opentelemetry/otlp-transformer/build/src/generated/root");
const Request = opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;

const hex = (bytes) => Buffer.from(bytes ?? []).toString("hex");
const value = (any) => any.stringValue ?? (any.boolValue != null ? any.boolValue : any.intValue != null ? Number(any.intValue) : any.doubleValue);
const facts = (list) => Object.fromEntries((list ?? []).map(({ key, value: any }) => [key, value(any)]));
const kinds = { 1: "internal", 2: "server", 3: "client" };

function fromProtobuf(body) {
    const read = Request.decode(body);
    assert.equal(Request.verify(read), null);
    // Nothing that the protocol does not know: what is written anew is what came.
    assert.equal(Buffer.from(Request.encode(read).finish()).length, body.length);
    return Request.toObject(read, { longs: String });
}

function fromJson(body) {
    const read = JSON.parse(body.toString("utf8"));
    const all = read.resourceSpans.flatMap((each) => each.scopeSpans).flatMap((each) => each.spans);
    for (const span of [...all, ...all.flatMap((each) => each.links ?? [])]) {
        assert.match(span.traceId, /^[0-9a-f]{32}$/);
        assert.match(span.spanId, /^[0-9a-f]{16}$/);
        for (const key of ["traceId", "spanId", "parentSpanId"]) {
            if (span[key]) span[key] = Buffer.from(span[key], "hex");
        }
    }
    return read;
}

const spans = [];
for (const [type, text] of JSON.parse(readFileSync(0, "utf8"))) {
    const body = Buffer.from(text, "base64");
    const read = type === "application/x-protobuf" ? fromProtobuf(body) : fromJson(body);
    for (const { resource, scopeSpans } of read.resourceSpans) {
        for (const { scope, spans: some } of scopeSpans) {
            assert.equal(scope.name, "gatehouse");
            for (const span of some) {
                assert.equal(span.status?.code ?? 0, span.status?.message ? 2 : 0);
                spans.push({
                    name: span.name, kind: kinds[span.kind], trace: hex(span.traceId), id: hex(span.spanId), parent: hex(span.parentSpanId),
                    start: Number(span.startTimeUnixNano), end: Number(span.endTimeUnixNano), error: span.status?.message ?? "",
                    links: (span.links ?? []).map((link) => [hex(link.traceId), hex(link.spanId)]), attributes: facts(span.attributes), resource: facts(resource.attributes),
                });
            }
        }
    }
}
console.log(JSON.stringify(spans));
