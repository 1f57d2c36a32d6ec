/**
 * The README as VS Code's extension page can show it where no public repository is named: that page takes pictures from
 * https alone, neither from the package nor from `data:`, and follows no relative link. Pictures go, links become text.
 *
 * @param {string} text
 */
export const packagedReadme = (text) =>
  text.replaceAll(/^<picture>.*?^<\/picture>\n\n?/gms, "").replaceAll(/\[([^\]]+)\]\((?![a-z]+:|#)[^)]+\)/g, "$1");
