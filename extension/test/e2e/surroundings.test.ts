import { chmodSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { testPython } from "./embedded-editor.js";
import { test } from "./fixture.js";
import { startPatience } from "./page/waiting.js";

const small = `from stageloom import Out, stage


@stage
def letter(out: Out):
    (out / "letter.txt").write_text("dear store, " * 20)


@stage
def length(letter):
    return len((letter / "letter.txt").read_text())
`;

/** What a Python of that version answers when it is asked who it is. */
const old = `#!/bin/sh
echo 'stageloom-probe:["/opt/python/bin/python3.9", [3, 9, 18], "/opt/python", "CPython"]'
`;

test("an interpreter or a store that will not do is told of, with what to do; settings mend it at once", async ({
  open,
}) => {
  const editor = await open({
    files: { "small.py": small, "old-python": old, "notes.txt": "not a folder\n" },
    open: "small.py",
    machine: { "stageloom.python": "/nowhere/python3" },
  });
  const { lenses, notifications, page, palette, pictures, sidebar, statusBar } = editor;
  const python = await testPython();
  const letter = "def letter(";
  await lenses.read(letter, /no Python interpreter/, startPatience);
  await statusBar.shows(/nowhere.*could not be started/);
  await sidebar.show("Stageloom");
  await lenses.click(letter, "Realize");
  const told = await notifications.appears(/could not be started.*stageloom\.python/s);
  await told.locator(".monaco-button", { hasText: "Choose Interpreter" }).waitFor();
  await pictures.screenshots("failure-interpreter");

  chmodSync(path.join(editor.workspace, "old-python"), 0o755);
  editor.set({ "stageloom.python": "./old-python" });
  await lenses.read(letter, /Python is too old/, startPatience);
  await lenses.click(letter, /too old/);
  await notifications.appears(/Python 3\.9\.18 is too old: Stageloom needs 3\.10 or newer/);

  editor.set({ "stageloom.python": python });
  await lenses.read(letter, /never realized/, startPatience);
  await lenses.click("def length(", "Realize");
  await lenses.read("def length(", /cached/, startPatience);
  await lenses.read(letter, /cached/);

  editor.set({ "stageloom.python": python, "stageloom.store": "notes.txt/store" });
  await lenses.read(letter, /the store cannot be used/, startPatience);
  await lenses.click(letter, "Realize");
  const store = await notifications.appears(/notes\.txt/);
  await store.locator(".monaco-button", { hasText: "Choose Store Folder" }).waitFor();
  await pictures.screenshots("failure-store");
  editor.set({ "stageloom.python": python });
  await lenses.read(letter, /cached/, startPatience);

  const trees = path.join(editor.workspace, ".stageloom/store/trees");
  const damaged = readdirSync(trees, { recursive: true, encoding: "utf8" }).find((file) => file.endsWith("letter.txt"));
  const file = path.join(trees, damaged ?? "");
  chmodSync(file, 0o644);
  writeFileSync(file, "dear reader");
  const artifacts = sidebar.tree("Artifacts");
  await artifacts.expand("letter");
  await artifacts.expand(/just now|min ago/);
  await artifacts.click("letter.txt");
  await notifications.appears(/damaged|changed/);
  await lenses.read(letter, /Realize.*(stale|never realized)/s, startPatience);
  await pictures.screenshots("failure-damaged");
  await palette.openFile("small.py");
  await lenses.click("def length(", "Invalidate");
  await lenses.click("def length(", "Realize");
  await lenses.read("def length(", /cached/, startPatience);
  await page.waitForTimeout(500);
  await pictures.screenshot("failure-damaged-mended", "light");
});
