import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

/**
 * Which rooms of `extension/src/` a room may import, besides itself. Rooms absent from the table are free.
 * `views` and `platform` are where VS Code is; everything else runs in plain Node.
 *
 * @type {Readonly<Record<string, readonly string[]>>}
 */
const rooms = {
  protocol: [],
  supervision: ["protocol"],
  kernels: ["protocol", "supervision"],
  studies: ["protocol", "supervision", "kernels"],
  training: ["protocol", "supervision", "kernels"],
  pipelines: ["protocol", "supervision", "kernels"],
  platform: ["protocol", "supervision", "kernels", "studies", "training", "pipelines"],
  views: ["protocol", "platform", "kernels", "studies", "training", "pipelines"],
};

/** Rooms that run without VS Code, so that a Node program can use them. */
const plainNode = ["protocol", "supervision", "kernels", "studies", "training", "pipelines"];

const vscodeIsAway = {
  regex: "^vscode$",
  message: "This room runs in plain Node: take a port from platform/ by constructor instead.",
};

/** @param {string} room @param {readonly string[]} allowed @returns {import("eslint").Linter.Config} */
const roomRules = (room, allowed) => {
  const others = Object.keys(rooms).filter((other) => other !== room && !allowed.includes(other));
  const patterns = [
    {
      regex: `^(\\.\\./)+((${others.join("|")})/|extension\\.js$)`,
      message: `${room}/ may import ${[room, ...allowed].join(", ")} alone: imports run one way.`,
    },
    { regex: "webview/", message: "The host talks to a webview through protocol/panels." },
  ];
  if (plainNode.includes(room)) patterns.push(vscodeIsAway);
  return {
    files: [`extension/src/${room}/**/*.ts`],
    rules: { "@typescript-eslint/no-restricted-imports": ["error", { patterns }] },
  };
};

const shape = [
  { selector: "ExportDefaultDeclaration", message: "Export by name." },
  { selector: "ExportAllDeclaration", message: "No barrels: import from the module that defines it." },
  { selector: "Program > VariableDeclaration[kind!='const']", message: "No mutable state in a module." },
  {
    selector: "Program > ExportNamedDeclaration > VariableDeclaration[kind!='const']",
    message: "No mutable state in a module.",
  },
];

export default defineConfig(
  globalIgnores(["**/dist/", "**/out/", "**/build/", "**/*.gen.*", "test-results/", "python-kernel/", "**/.venv/"]),
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-console": "error",
      "no-restricted-syntax": ["error", ...shape],
      "object-shorthand": "error",
      "prefer-const": "error",
      "@typescript-eslint/consistent-type-definitions": "off",
      "@typescript-eslint/consistent-type-exports": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/explicit-module-boundary-types": "error",
      "@typescript-eslint/no-import-type-side-effects": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true, allowDefaultCaseForExhaustiveSwitch: false },
      ],
    },
  },
  ...Object.entries(rooms).map(([room, allowed]) => roomRules(room, allowed)),
  {
    files: ["webview/**/*.ts"],
    rules: {
      "@typescript-eslint/no-restricted-imports": [
        "error",
        {
          patterns: [
            vscodeIsAway,
            { regex: "^node:", message: "A webview runs in a browser." },
            {
              regex: "extension/src/(?!protocol/(panels|words)/)",
              message: "A webview knows the host by protocol/panels alone, and says what it says in protocol/words.",
            },
            {
              regex: "extension/src/protocol/panels/",
              allowTypeImports: true,
              message: "protocol/panels is types alone.",
            },
          ],
        },
      ],
    },
  },
  { files: ["webview/test/**/*.ts"], rules: { "@typescript-eslint/no-restricted-imports": "off" } },
  {
    files: ["**/test/**/*.ts"],
    rules: {
      // a test says what it knows about its own data with ! and fails where that is wrong
      "@typescript-eslint/no-non-null-assertion": "off",
    },
  },
  {
    files: ["**/*.mjs"],
    rules: { "@typescript-eslint/explicit-module-boundary-types": "off" },
  },
  // tools that want a default export
  { files: ["*.config.mjs", "scripts/test/vitest-results.mjs"], rules: { "no-restricted-syntax": "off" } },
);
