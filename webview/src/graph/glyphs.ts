import type { Glyphs } from "./painter.js";

/** Reads the character of each icon from the styles of the icon font, so that it is written down nowhere else. */
export const readGlyphs = (page: HTMLElement): Glyphs => {
  const known = new Map<string, string>();
  const probe = page.ownerDocument.createElement("span");
  probe.ariaHidden = "true";
  probe.style.position = "absolute";
  probe.style.visibility = "hidden";
  page.append(probe);
  return (icon) => {
    const found = known.get(icon);
    if (found !== undefined) return found;
    probe.className = `codicon codicon-${icon}`;
    const content = getComputedStyle(probe, "::before").content.replace(/^["']|["']$/g, "");
    if (content === "" || content === "none" || content === "normal") return "";
    known.set(icon, content);
    return content;
  };
};
