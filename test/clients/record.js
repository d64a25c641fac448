// What the day's patients and measurements look like.
"use strict";

const patient = (value) => ({
  resourceType: "Patient",
  identifier: [{ system: "urn:test:client", value }],
  name: [{ family: "홍", given: ["길동"] }],
  gender: "male",
  birthDate: "1961-04-05",
});

const pulse = (patientId, day) => ({
  resourceType: "Observation",
  status: "final",
  code: { coding: [{ system: "http://loinc.org", code: "8867-4", display: "Heart rate" }] },
  subject: { reference: `Patient/${patientId}` },
  effectiveDateTime: `2026-01-0${day}`,
  valueQuantity: { value: 60 + day, unit: "/min", system: "http://unitsofmeasure.org", code: "/min" },
});

const created = (resource, fullUrl) => ({ ...(fullUrl && { fullUrl }), resource, request: { method: "POST", url: resource.resourceType } });
const days = [1, 2, 3, 4, 5];
const backwards = [5, 4, 3, 2, 1].map((day) => `2026-01-0${day}`);

module.exports = { patient, pulse, created, days, backwards };
