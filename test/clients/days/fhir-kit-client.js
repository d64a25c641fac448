// A day of fhir-kit-client. Its errors carry the response in error.response.
"use strict";
const assert = require("node:assert/strict");
const Client = require("fhir-kit-client");
const { patient, pulse, created, days, backwards } = require("../record.js");

const fails = (call, status) =>
  assert.rejects(call, (error) => error.response.status === status && error.response.data.resourceType === "OperationOutcome");

module.exports = {
  open: (url) => new Client({ baseUrl: `${url}/fhir` }),
  tests: {
    async "capability statement"(fhir) {
      const statement = await fhir.capabilityStatement();
      assert.equal(statement.resourceType, "CapabilityStatement");
      assert.equal(statement.fhirVersion, "4.0.1");
    },
    async "create, read, vread, update, history, delete"(fhir) {
      const made = await fhir.create({ resourceType: "Patient", body: patient("kit-1") });
      const read = await fhir.read({ resourceType: "Patient", id: made.id });
      assert.deepEqual(read.name, patient().name);
      const changed = await fhir.update({ resourceType: "Patient", id: made.id, body: { ...read, active: true } });
      assert.equal(changed.meta.versionId, "2");
      const first = await fhir.vread({ resourceType: "Patient", id: made.id, version: "1" });
      assert.equal(first.active, undefined);
      const history = await fhir.history({ resourceType: "Patient", id: made.id });
      assert.equal(history.entry.length, 2);
      await fhir.delete({ resourceType: "Patient", id: made.id });
      await fails(() => fhir.read({ resourceType: "Patient", id: made.id }), 410);
    },
    async "a stale If-Match is a conflict"(fhir) {
      const made = await fhir.create({ resourceType: "Patient", body: patient("kit-2") });
      const update = (version, active) =>
        fhir.update({ resourceType: "Patient", id: made.id, body: { ...made, active }, options: { headers: { "If-Match": `W/"${version}"` } } });
      assert.equal((await update(1, true)).meta.versionId, "2");
      await fails(() => update(1, false), 412);
    },
    async "patch"(fhir) {
      const made = await fhir.create({ resourceType: "Patient", body: patient("kit-3") });
      const JSONPatch = [{ op: "replace", path: "/gender", value: "other" }, { op: "add", path: "/active", value: true }];
      const patched = await fhir.patch({ resourceType: "Patient", id: made.id, JSONPatch });
      assert.deepEqual([patched.gender, patched.active, patched.meta.versionId], ["other", true, "2"]);
      const broken = [{ op: "remove", path: "/nothing" }];
      await assert.rejects(() => fhir.patch({ resourceType: "Patient", id: made.id, JSONPatch: broken }), (e) => e.response.status >= 400 && e.response.status < 500);
    },
    async "conditional create, update, delete"(fhir) {
      const headers = { "If-None-Exist": "identifier=urn:test:client|kit-4" };
      const first = await fhir.create({ resourceType: "Patient", body: patient("kit-4"), options: { headers } });
      const again = await fhir.create({ resourceType: "Patient", body: patient("kit-4"), options: { headers } });
      assert.equal(again.id, first.id);
      const searchParams = { identifier: "urn:test:client|kit-4" };
      const changed = await fhir.update({ resourceType: "Patient", searchParams, body: { ...patient("kit-4"), active: false } });
      assert.deepEqual([changed.id, changed.active, changed.meta.versionId], [first.id, false, "2"]);
    },
    async "search, includes and pages"(fhir) {
      const made = await fhir.create({ resourceType: "Patient", body: patient("kit-5") });
      for (const day of days) await fhir.create({ resourceType: "Observation", body: pulse(made.id, day) });
      let page = await fhir.search({ resourceType: "Observation", searchParams: { subject: `Patient/${made.id}`, _sort: "-date", _count: 2 } });
      const seen = [];
      while (page) {
        seen.push(...page.entry.map((entry) => entry.resource.effectiveDateTime));
        page = page.link.some((link) => link.relation === "next") ? await fhir.nextPage({ bundle: page }) : undefined;
      }
      assert.deepEqual(seen, backwards);
      const included = await fhir.search({ resourceType: "Observation", searchParams: { subject: `Patient/${made.id}`, _include: "Observation:subject" } });
      assert.deepEqual(included.entry.filter((e) => e.search.mode === "include").map((e) => e.resource.id), [made.id]);
      const posted = await fhir.search({ resourceType: "Patient", searchParams: { family: "홍" }, options: { postSearch: true } });
      assert.ok(posted.entry.length >= 1);
      const compartment = await fhir.compartmentSearch({ resourceType: "Observation", compartment: { resourceType: "Patient", id: made.id } });
      assert.equal(compartment.entry.length, days.length);
      const everywhere = await fhir.systemSearch({ searchParams: { _type: "Patient,Observation", _summary: "count" } });
      assert.ok(everywhere.total >= days.length + 1);
    },
    async "references are resolved"(fhir) {
      const made = await fhir.create({ resourceType: "Patient", body: patient("kit-6") });
      const measured = await fhir.create({ resourceType: "Observation", body: pulse(made.id, 1) });
      assert.equal((await fhir.resolve({ reference: measured.subject.reference })).id, made.id);
      const context = await fhir.search({ resourceType: "Observation", searchParams: { _id: measured.id, _include: "Observation:subject" } });
      assert.equal((await fhir.resolve({ reference: measured.subject.reference, context })).id, made.id);
    },
    async "operations"(fhir) {
      const made = await fhir.create({ resourceType: "Patient", body: patient("kit-7") });
      await fhir.create({ resourceType: "Observation", body: pulse(made.id, 1) });
      const everything = await fhir.operation({ name: "$everything", resourceType: "Patient", id: made.id, method: "GET" });
      assert.deepEqual(everything.entry.map((e) => e.resource.resourceType).sort(), ["Observation", "Patient"]);
      const valid = await fhir.operation({ name: "$validate", resourceType: "Patient", method: "POST", input: { resourceType: "Patient", gender: "unheard-of" } });
      assert.ok(valid.issue.some((issue) => issue.severity === "error"));
    },
    async "transaction and batch"(fhir) {
      const urn = "urn:uuid:4d5b7c2e-52b0-4b6c-9d0e-0d1f1c3b2a10";
      const entry = [created(patient("kit-8"), urn), created({ ...pulse("x", 1), subject: { reference: urn } })];
      const done = await fhir.transaction({ body: { resourceType: "Bundle", type: "transaction", entry } });
      assert.ok(done.entry.every((e) => e.response.status.startsWith("201")));
      const batch = await fhir.batch({ body: { resourceType: "Bundle", type: "batch", entry: [{ request: { method: "GET", url: "Patient/none" } }] } });
      assert.match(batch.entry[0].response.status, /^404/);
    },
    async "history of type and system"(fhir) {
      assert.equal((await fhir.history({ resourceType: "Patient" })).type, "history");
      assert.equal((await fhir.history({})).type, "history");
    },
    async "errors are OperationOutcomes"(fhir) {
      await fails(() => fhir.create({ resourceType: "Patient", body: { resourceType: "Patient", gender: 5 } }), 400);
      await fails(() => fhir.read({ resourceType: "Patient", id: "never-was" }), 404);
      await fails(() => fhir.search({ resourceType: "Patient", searchParams: { "favourite-colour": "blue" } }), 400);
    },
  },
};
