// A day of fhirclient, the SMART JavaScript client, on an open server: no launch, no token. Its errors are HttpErrors.
"use strict";
const assert = require("node:assert/strict");
const smart = require("fhirclient");
const { patient, pulse, created, days, backwards } = require("../record.js");

const fails = (call, status) =>
  assert.rejects(call, (error) => {
    assert.equal(error.status, status);
    return error.message.includes('"resourceType": "OperationOutcome"');
  });
const all = async (iterable) => {
  const list = [];
  for await (const item of iterable) list.push(item);
  return list;
};

// The adapter keeps its state in a session; of request and response it only needs these.
const open = (url) => smart({ headers: {}, url: "/", connection: {} }, {}, { get: async () => undefined, set: async () => undefined, unset: async () => true }).client(`${url}/fhir`);

module.exports = {
  open,
  tests: {
    async "version and release"(fhir) {
      assert.equal(await fhir.getFhirVersion(), "4.0.1");
      assert.equal(await fhir.getFhirRelease(), 4);
    },
    async "create, read, update, vread, history, delete"(fhir) {
      const made = await fhir.create(patient("smart-1"));
      const read = await fhir.request(`Patient/${made.id}`);
      assert.deepEqual(read.name, patient().name);
      const changed = await fhir.update({ ...read, active: true });
      assert.equal(changed.meta.versionId, "2");
      assert.equal((await fhir.request(`Patient/${made.id}/_history/1`)).active, undefined);
      assert.equal((await fhir.request(`Patient/${made.id}/_history`)).entry.length, 2);
      await fhir.delete(`Patient/${made.id}`);
      await fails(() => fhir.request(`Patient/${made.id}`), 410);
    },
    async "a stale If-Match is a conflict"(fhir) {
      const made = await fhir.create(patient("smart-2"));
      const options = { headers: { "If-Match": 'W/"1"' } };
      assert.equal((await fhir.update({ ...made, active: true }, options)).meta.versionId, "2");
      await fails(() => fhir.update({ ...made, active: false }, options), 412);
    },
    async "patch"(fhir) {
      const made = await fhir.create(patient("smart-3"));
      const patched = await fhir.patch(`Patient/${made.id}`, [{ op: "replace", path: "/birthDate", value: "1961-04-06" }]);
      assert.deepEqual([patched.birthDate, patched.meta.versionId], ["1961-04-06", "2"]);
    },
    async "search, pages, all pages flat"(fhir) {
      const made = await fhir.create(patient("smart-4"));
      for (const day of days) await fhir.create(pulse(made.id, day));
      const query = `Observation?subject=Patient/${made.id}&_sort=-date&_count=2`;
      const flat = await fhir.request(query, { pageLimit: 0, flat: true });
      assert.deepEqual(flat.map((o) => o.effectiveDateTime), backwards);
      assert.equal((await all(fhir.pages(query))).length, 3);
      assert.deepEqual((await all(fhir.resources(query))).map((o) => o.effectiveDateTime), backwards);
    },
    async "references are resolved"(fhir) {
      const made = await fhir.create(patient("smart-5"));
      await fhir.create(pulse(made.id, 1));
      const resolved = await fhir.request(`Observation?subject=Patient/${made.id}`, { resolveReferences: ["subject"], graph: true });
      assert.equal(resolved.entry[0].resource.subject.id, made.id);
      const values = fhir.byCodes([resolved.entry[0].resource], "code")("8867-4");
      assert.equal(fhir.getPath(values[0], "valueQuantity.value"), 61);
    },
    async "transaction, batch and operations"(fhir) {
      const urn = "urn:uuid:4d5b7c2e-52b0-4b6c-9d0e-0d1f1c3b2a11";
      const post = (body, url) => fhir.request({ url, method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/fhir+json" } });
      const entry = [created(patient("smart-6"), urn), created({ ...pulse("x", 1), subject: { reference: urn } })];
      const done = await post({ resourceType: "Bundle", type: "transaction", entry }, "");
      assert.ok(done.entry.every((e) => e.response.status.startsWith("201")));
      const id = /Patient\/([^/]+)/.exec(done.entry[0].response.location)[1];
      const everything = await fhir.request(`Patient/${id}/$everything`);
      assert.deepEqual(everything.entry.map((e) => e.resource.resourceType).sort(), ["Observation", "Patient"]);
      const batch = await post({ resourceType: "Bundle", type: "batch", entry: [{ request: { method: "GET", url: "Patient/none" } }] }, "");
      assert.match(batch.entry[0].response.status, /^404/);
    },
    async "errors carry what is wrong"(fhir) {
      await fails(() => fhir.request("Patient/never-was"), 404);
      await fails(() => fhir.create({ resourceType: "Patient", gender: 5 }), 400);
      await fails(() => fhir.request("Patient?favourite-colour=blue"), 400);
    },
  },
};
