import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { LogView } from "../../src/cells/log-view.js";
import { appendLog, makeLog } from "../../src/state/log.js";
import { placesIn } from "../../src/text/links.js";
import { Terminal } from "../../src/text/terminal.js";

const shown = (...pieces: readonly string[]): string => {
  const terminal = new Terminal();
  for (const piece of pieces) terminal.write(piece);
  return terminal.text();
};

const esc = "\u001b[";

describe("terminal", () => {
  test("a carriage return writes over, as progress bars do", () => {
    expect(shown("10%|#   |\r50%|##  |\r100%|####|\n")).toBe("100%|####|\n");
    expect(shown("a long line\rshort")).toBe("shortg line");
    expect(shown("windows\r\nlines\r\n")).toBe("windows\nlines\n");
  });

  test("erasing to the end of the line", () => {
    expect(shown(`a long line\rshort${esc}K`)).toBe("short");
    expect(shown(`gone${esc}2K\rnew`)).toBe("new");
    expect(shown(`abcdef\r${esc}3C${esc}1K`)).toBe("    ef");
  });

  test("two bars at once, moved between by cursor up", () => {
    expect(shown(`outer 0\ninner 0\r${esc}Aouter 1\n\rinner 1\r${esc}Aouter 2\n\rinner 2\n`)).toBe(
      "outer 2\ninner 2\n",
    );
  });

  test("backspaces and tabs", () => {
    expect(shown("abc\b\bX")).toBe("aXc");
    expect(shown("a\tb")).toBe("a       b");
  });

  test("a sequence cut between two pieces is read whole", () => {
    expect(shown("\u001b", "[3", "1mred", `${esc}0`, "m plain")).toBe("red plain");
  });

  test("titles, links and unknown sequences leave nothing", () => {
    expect(shown(`\u001b]0;title\u0007a\u001b]8;;http://x\u001b\\b${esc}?25lc\u001b(Bd\u0000e`)).toBe("abcde");
  });

  test("colours: the theme's sixteen, 256 and true ones", () => {
    const terminal = new Terminal();
    terminal.write(`${esc}1;31mred${esc}0m ${esc}92mbright${esc}39m${esc}38;5;196mx${esc}48;2;1;2;3my${esc}m`);
    expect(terminal.line(0).runs.map(({ text, style }) => [text, style.colour, style.background, style.bold])).toEqual([
      ["red", 1, null, true],
      [" ", null, null, false],
      ["bright", 10, null, false],
      ["x", "#ff0000", null, false],
      ["y", "#ff0000", "#010203", false],
    ]);
  });

  test("writing over keeps the style of what is left", () => {
    const terminal = new Terminal();
    terminal.write(`${esc}32mgreen green${esc}0m\rplain`);
    expect(terminal.line(0).runs.map(({ text, style }) => [text, style.colour])).toEqual([
      ["plain", null],
      [" green", 2],
    ]);
  });

  test("however a log is cut into pieces, it shows the same", () => {
    const log = fc.array(
      fc.constantFrom("word", "\r", "\n", "\b", `${esc}31m`, `${esc}0m`, `${esc}K`, `${esc}A`, `${esc}2C`, "é█", "\t"),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(log, fc.integer({ min: 1, max: 7 }), (parts, size) => {
        const text = parts.join("");
        const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
          text.slice(at * size, (at + 1) * size),
        );
        expect(shown(...pieces)).toBe(shown(text));
      }),
    );
  });

  test("old lines go when there are too many, and their number is known", () => {
    const terminal = new Terminal(1000);
    for (let at = 0; at < 5000; at++) terminal.write(`line ${at.toString()}\n`);
    expect(terminal.count + terminal.dropped).toBe(5000);
    expect(terminal.count).toBeLessThanOrEqual(1100);
    expect(terminal.line(terminal.count - 1).runs[0]?.text).toBe("line 4999");
  });

  test("100,000 lines take no time that grows with their square", () => {
    const start = performance.now();
    const terminal = new Terminal();
    terminal.write(
      Array.from({ length: 100_000 }, (_, at) => `${esc}36m12:00:00${esc}0m step ${at.toString()} done\n`).join(""),
    );
    expect(terminal.count).toBe(100_000);
    expect(performance.now() - start).toBeLessThan(15_000);
  });
});

describe("what no log may do", () => {
  test("a move far to the right goes as far as a line may be, and a longer line keeps its end", () => {
    expect(shown(`a${esc}999999999Cb${esc}999999999Gc`)).toBe(`a${" ".repeat(4095)}bc`);
    expect(shown(`a${"\t".repeat(10_000)}b`).length).toBe(4097);
    const long = "x".repeat(5000);
    expect(shown(`${long}${esc}D${esc}9C!`)).toBe(`${long}!`);
  });

  test("a piece that cannot be shown costs itself alone", async () => {
    const view = new LogView();
    view.send = () => undefined;
    view.log = makeLog("one\n", 0);
    document.body.append(view);
    await view.updateComplete;
    const write = vi.spyOn(Terminal.prototype, "write").mockImplementationOnce(() => {
      throw new Error("broken");
    });
    view.log = appendLog(view.log, "two\n");
    await view.updateComplete;
    write.mockRestore();
    view.log = appendLog(view.log, "three\n");
    await view.updateComplete;
    const text = view.textContent;
    view.remove();
    expect(text).toContain("one");
    expect(text).toContain("cannot be shown here: Error: broken");
    expect(text).toContain("three");
  });
});

describe("places in a traceback", () => {
  test("are found with their line from 0", () => {
    expect(placesIn('  File "/a b/c.py", line 12, in f')).toEqual([{ start: 2, end: 27, path: "/a b/c.py", line: 11 }]);
    expect(placesIn("no place here, line 3")).toEqual([]);
  });
});
