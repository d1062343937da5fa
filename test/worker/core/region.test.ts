// The location of a request, and the region whose relays it uses.
import { expect, test } from "vitest";
import { distanceKm, HINTS, hintOf, isRegion, nearestTo, REGIONS, regionOf } from "../../../worker/core/region.ts";

test.each([
  ["San Francisco", "NA", "-122.4", "37.8", "wnam"],
  ["New York", "NA", "-74.0", "40.7", "enam"],
  ["São Paulo", "SA", "-46.6", "-23.5", "enam"],
  ["London", "EU", "-0.1", "51.5", "weur"],
  ["Warsaw", "EU", "21.0", "52.2", "eeur"],
  ["Lagos", "AF", "3.4", "6.5", "weur"],
  ["Dubai", "AS", "55.3", "25.2", "weur"],
  ["Yekaterinburg", "AS", "60.6", "56.8", "eeur"],
  ["Mumbai", "AS", "72.9", "19.1", "apac"],
  ["Bangkok", "AS", "100.5", "13.8", "apac-se"],
  ["Singapore", "AS", "103.8", "1.3", "apac-se"],
  ["Manila", "AS", "121.0", "14.6", "apac-se"],
  ["Tokyo", "AS", "139.7", "35.7", "apac-ne"],
  ["Seoul", "AS", "127.0", "37.6", "apac-ne"],
  ["Sydney", "OC", "151.2", "-33.9", "oc"],
])("%s uses the relays of its region", (_, continent, longitude, latitude, region) => {
  expect(regionOf({ continent, longitude, latitude })).toBe(region);
  expect(regionOf({ continent, longitude: Number(longitude), latitude: Number(latitude) })).toBe(region);
});

test("a request with little location data still has a region", () => {
  expect(
    ["NA", "SA", "EU", "AF", "AS", "OC", "AN", "XX", undefined].map((continent) => regionOf({ continent })),
  ).toEqual(["enam", "enam", "weur", "weur", "apac", "oc", "oc", "enam", "enam"]);
  expect(regionOf({ continent: "NA", longitude: "nowhere" })).toBe("enam");
  expect(regionOf({ continent: "AS", longitude: "139.7" })).toBe("apac-ne");
  expect(regionOf({ continent: "AS", longitude: "103.8" })).toBe("apac-se");
});

test("every region knows all others, the nearest first and itself before them", () => {
  for (const region of REGIONS) {
    expect([...nearestTo(region)].sort()).toEqual([...REGIONS].sort());
    expect(nearestTo(region)[0]).toBe(region);
    const ways = nearestTo(region).map((other) => distanceKm(region, other));
    expect(ways).toEqual([...ways].sort((one, other) => one - other));
  }
  expect(nearestTo("weur").slice(1, 3)).toEqual(["eeur", "enam"]);
  expect(nearestTo("oc")[1]).toBe("apac-se");
});

test("hints are those in which objects are really started", () => {
  expect(HINTS.map(hintOf)).toEqual(HINTS);
  expect(hintOf("any")).toBeUndefined();
  expect(["sam", "afr", "me", "", "WEUR"].filter(isRegion)).toEqual([]);
});
