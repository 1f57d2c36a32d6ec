/** Sizes of files, as they are and as they travel. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";

/** @param {readonly string[]} files @returns {{ bytes: number; gzip: number }} */
export const sizesOf = (files) => {
  const contents = files.map((file) => readFileSync(file));
  const sum = (/** @type {readonly number[]} */ values) => values.reduce((total, value) => total + value, 0);
  return {
    bytes: sum(contents.map((content) => content.length)),
    gzip: sum(contents.map((content) => gzipSync(content, { level: 9 }).length)),
  };
};

/** @param {string} folder @param {RegExp} pattern @returns {string[]} the files below, by what their path matches */
export const filesBelow = (folder, pattern) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => pattern.test(path.relative(folder, file)));
