import { expect, test } from "vitest";
import { Follower } from "../../src/cells/follow.js";

const unseen = (): boolean => false;

test("follows from one running stage to the next", () => {
  const follower = new Follower();
  expect(follower.next(["a"], unseen)).toBe("a");
  expect(follower.next(["a"], unseen)).toBe(null);
  expect(follower.next([], unseen)).toBe(null);
  expect(follower.next(["b"], unseen)).toBe("b");
});

test("of stages side by side it stays with the one it shows", () => {
  const follower = new Follower();
  expect(follower.next(["b"], unseen)).toBe("b");
  expect(follower.next(["a", "b"], unseen)).toBe(null);
  expect(follower.next(["a"], unseen)).toBe("a");
});

test("moves nothing where the running stage is in sight", () => {
  expect(new Follower().next(["a"], () => true)).toBe(null);
});

test("who has scrolled away is left alone until they are back at what runs", () => {
  const follower = new Follower();
  expect(follower.next(["a"], unseen)).toBe("a");
  follower.moved();
  expect(follower.next(["b"], unseen)).toBe(null);
  expect(follower.next(["c"], unseen)).toBe(null);
  // now c is in sight when d begins
  expect(follower.next(["d"], (stage) => stage === "c")).toBe("d");
});

test("who has scrolled before a run is left alone, too", () => {
  const follower = new Follower();
  follower.moved();
  expect(follower.next(["a"], unseen)).toBe(null);
});

test("a stage asked for within a run is looked at; asked for before one, the run is followed", () => {
  const follower = new Follower();
  follower.moved();
  follower.asked("c", []);
  expect(follower.next(["a"], unseen)).toBe("a");
  follower.asked("c", ["a"]);
  expect(follower.next(["b"], unseen)).toBe(null);
  follower.asked("b", ["b"]);
  expect(follower.next(["c"], unseen)).toBe("c");
});

test("the next run is a new one", () => {
  const follower = new Follower();
  expect(follower.next(["a"], unseen)).toBe("a");
  follower.ended();
  expect(follower.next(["a"], unseen)).toBe("a");
});
