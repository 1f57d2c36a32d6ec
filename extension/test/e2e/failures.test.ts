import { expect } from "vitest";
import { test } from "./fixture.js";
import { startPatience } from "./page/waiting.js";

const faults = `import os

from helper import parse

from stageloom import stage


@stage
def raises():
    print("reading the table")
    return parse("3;x;5")


@stage
def lacks():
    import a_package_of_nobody

    return a_package_of_nobody.answer


@stage
def dies():
    print("about to end", flush=True)
    os.kill(os.getpid(), 9)


@stage
def unstorable():
    return open(__file__)


@stage
def fine():
    return {"answer": 42}
`;

const helper = `def parse(text):
    return [int(part) for part in text.split(";")]
`;

const promises = `from stageloom.derivations import Build, DRef, Manager, build_wrapper, match_latest, mkconfig, mkdrv, selfref


def stage_promise(m: Manager) -> DRef:
    def realize(b: Build) -> None:
        print("forgetting the picture")

    config = mkconfig({"name": "promise", "picture": [selfref, "plot.png"]})
    return mkdrv(m, config, match_latest(), build_wrapper(realize))
`;

test("a stage that goes wrong says how, with lines to click and what to do; the others go on", async ({ open }) => {
  const files = { "faults.py": faults, "helper.py": helper, "promises.py": promises };
  const editor = await open({ files, open: "faults.py" });
  const { lenses, notifications, page, palette, panel, pictures, sidebar, text } = editor;
  await lenses.read("def raises(", /never realized/, startPatience);

  await lenses.click("def raises(", "Realize");
  await lenses.read("def raises(", /failed: ValueError/, startPatience);
  await notifications.press(/"raises" failed/, "Show Traceback");
  const cell = panel.frame().locator('stage-cell[data-stage="raises"]');
  await cell.getByText("reading the table", { exact: true }).waitFor({ timeout: startPatience });
  await pictures.screenshots("walk-failed");
  await cell.locator(".frames button", { hasText: "helper.py:2" }).first().click();
  await page.locator(".tab.active", { hasText: "helper.py" }).waitFor();
  await text.shows("int(part)");
  await editor.reload();
  // a browser may not have kept yet that the panel was open
  await lenses.read("def raises(", /failed: ValueError/, startPatience);
  await palette.run("Stageloom: Open Pipeline Panel");
  await cell.getByText("reading the table", { exact: true }).waitFor({ timeout: startPatience });
  await cell.locator(".state-line", { hasText: "failed: ValueError · " }).waitFor();

  await palette.openFile("faults.py", 20);
  await lenses.click("def lacks(", "Realize");
  await lenses.read("def lacks(", /failed: package "a_package_of_nobody" is missing/, startPatience);
  const lacking = await notifications.appears(/"lacks" failed/);
  expect(await lacking.innerText()).toMatch(/Install a_package_of_nobody/);
  await pictures.screenshots("failure-package");

  await lenses.click("def dies(", "Realize");
  await lenses.read("def dies(", /failed: the kernel was killed/, startPatience);
  await palette.openFile("faults.py", 30);
  await lenses.click("def unstorable(", "Realize");
  await lenses.read("def unstorable(", /failed: what it returned cannot be stored/, startPatience);
  await lenses.click("def fine(", "Realize");
  await lenses.read("def fine(", /cached/, startPatience);
  await sidebar.show("Stageloom");
  await lenses.click("def unstorable(", /failed/);
  await pictures.screenshots("failure-unstorable");

  // the lenses of the last text that could be read stay, and nothing runs
  await text.replaceLine(34, "    return = 42");
  await lenses.read("def unstorable(", /Realize.*failed/s, startPatience);
  await lenses.click("def fine(", "Realize");
  await notifications.appears(/Nothing was run/);
  await pictures.screenshots("failure-syntax");
  await text.replaceLine(34, '    return {"answer": 42}');
  await text.save();
  await lenses.read("def fine(", /cached/, startPatience);

  await palette.openFile("promises.py");
  await lenses.read("def stage_promise(", /never realized/, startPatience);
  await lenses.click("def stage_promise(", "Realize");
  await lenses.read("def stage_promise(", /failed: a promised file was not written/, startPatience);
  await notifications.appears(/plot\.png/);
});
