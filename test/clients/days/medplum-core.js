// A day of MedplumClient, without login. Its errors are OperationOutcomeErrors.
"use strict";
const assert = require("node:assert/strict");
const { MedplumClient, createReference, getReferenceString } = require("@medplum/core");
const { patient, pulse, created, days, backwards } = require("../record.js");

const fails = (call, code) =>
  assert.rejects(call, (error) => {
    assert.equal(error.outcome?.resourceType, "OperationOutcome", String(error.stack));
    if (code) assert.ok(error.outcome.issue.some((issue) => issue.code === code), JSON.stringify(error.outcome));
    return true;
  });
const fresh = { cache: "reload" };

module.exports = {
  open: (url) => new MedplumClient({ baseUrl: `${url}/`, fhirUrlPath: "fhir", cacheTime: 0, fetch }),
  tests: {
    async "create, read, update, vread, history, delete"(medplum) {
      const made = await medplum.createResource(patient("medplum-1"));
      const read = await medplum.readResource("Patient", made.id, fresh);
      assert.deepEqual(read.name, patient().name);
      const changed = await medplum.updateResource({ ...read, active: true });
      assert.equal(changed.meta.versionId, "2");
      assert.equal((await medplum.readVersion("Patient", made.id, "1")).active, undefined);
      assert.equal((await medplum.readHistory("Patient", made.id)).entry.length, 2);
      await medplum.deleteResource("Patient", made.id);
      await fails(() => medplum.readResource("Patient", made.id, fresh), "deleted");
    },
    async "an update that changes nothing is kept"(medplum) {
      const made = await medplum.createResource(patient("medplum-2"));
      assert.equal((await medplum.updateResource({ ...made })).id, made.id);
    },
    async "a stale If-Match is a conflict"(medplum) {
      const made = await medplum.createResource(patient("medplum-3"));
      const options = { headers: { "If-Match": 'W/"1"' } };
      assert.equal((await medplum.updateResource({ ...made, active: true }, options)).meta.versionId, "2");
      await fails(() => medplum.updateResource({ ...made, active: false }, options), "conflict");
    },
    async "patch"(medplum) {
      const made = await medplum.createResource(patient("medplum-4"));
      const patched = await medplum.patchResource("Patient", made.id, [
        { op: "test", path: "/gender", value: "male" },
        { op: "replace", path: "/gender", value: "unknown" },
      ]);
      assert.deepEqual([patched.gender, patched.meta.versionId], ["unknown", "2"]);
    },
    async "create once, upsert"(medplum) {
      const query = "identifier=urn:test:client|medplum-5";
      const first = await medplum.createResourceIfNoneExist(patient("medplum-5"), query);
      const again = await medplum.createResourceIfNoneExist(patient("medplum-5"), query);
      assert.equal(again.id, first.id);
      const upserted = await medplum.upsertResource({ ...patient("medplum-5"), active: true }, query);
      assert.deepEqual([upserted.id, upserted.active], [first.id, true]);
    },
    async "search, one, resources, pages, references"(medplum) {
      const made = await medplum.createResource(patient("medplum-6"));
      for (const day of days) await medplum.createResource({ ...pulse(made.id, day), subject: createReference(made) });
      assert.equal((await medplum.searchOne("Patient", "identifier=urn:test:client|medplum-6", fresh)).id, made.id);
      const query = { subject: getReferenceString(made), _sort: "-date", _count: "2" };
      const seen = [];
      for await (const page of medplum.searchResourcePages("Observation", query)) seen.push(...page.map((o) => o.effectiveDateTime));
      assert.deepEqual(seen, backwards);
      const found = await medplum.searchResources("Observation", { subject: getReferenceString(made), date: "ge2026-01-04" }, fresh);
      assert.equal(found.length, 2);
      assert.equal((await medplum.readReference(found[0].subject)).id, made.id);
    },
    async "$everything, $validate, $expand"(medplum) {
      const made = await medplum.createResource(patient("medplum-7"));
      await medplum.createResource(pulse(made.id, 1));
      const everything = await medplum.readPatientEverything(made.id);
      assert.deepEqual(everything.entry.map((e) => e.resource.resourceType).sort(), ["Observation", "Patient"]);
      const outcome = await medplum.validateResource({ resourceType: "Patient", gender: "unheard-of" });
      assert.ok(outcome.issue.some((issue) => issue.severity === "error"));
      const set = await medplum.valueSetExpand({ url: "http://hl7.org/fhir/ValueSet/administrative-gender", filter: "fem" });
      assert.deepEqual(set.expansion.contains.map((c) => c.code), ["female"]);
    },
    async "transaction and batch"(medplum) {
      const urn = "urn:uuid:4d5b7c2e-52b0-4b6c-9d0e-0d1f1c3b2a12";
      const entry = [created(patient("medplum-8"), urn), created({ ...pulse("x", 1), subject: { reference: urn } })];
      const done = await medplum.executeBatch({ resourceType: "Bundle", type: "transaction", entry });
      assert.ok(done.entry.every((e) => e.response.status.startsWith("201")));
      const batch = await medplum.executeBatch({ resourceType: "Bundle", type: "batch", entry: [{ request: { method: "GET", url: "Patient/none" } }] });
      assert.match(batch.entry[0].response.status, /^404/);
    },
    async "a batch made of reads of one moment"() {
      // With autoBatchTime the client gathers its reads into a batch and hands out the entries.
      const medplum = new MedplumClient({ baseUrl: this.url + "/", fhirUrlPath: "fhir", cacheTime: 0, autoBatchTime: 5, fetch });
      const made = await Promise.all(["a", "b", "c"].map((n) => medplum.createResource(patient(`medplum-9${n}`))));
      medplum.invalidateAll();
      const read = await Promise.all(made.map((p) => medplum.readResource("Patient", p.id, fresh)));
      assert.deepEqual(read.map((p) => p.id), made.map((p) => p.id));
    },
    async "a file as Binary, and its bytes back"(medplum) {
      const binary = await medplum.createBinary({ data: "주소,값\n", filename: "a.csv", contentType: "text/csv" });
      assert.equal(binary.resourceType, "Binary");
      const bytes = await medplum.download(medplum.fhirUrl("Binary", binary.id), { headers: { Accept: "text/csv" } });
      assert.equal(await bytes.text(), "주소,값\n");
    },
    async "errors are OperationOutcomes"(medplum) {
      await fails(() => medplum.readResource("Patient", "never-was"), "not-found");
      await fails(() => medplum.createResource({ resourceType: "Patient", gender: 5 }));
      await fails(() => medplum.search("Patient", "favourite-colour=blue"));
    },
  },
};
