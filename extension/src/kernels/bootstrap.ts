/** The kernel's programs: modules of the bundled Python package. */
export type KernelModule = "stageloom.service" | "stageloom.worker";

// the folder replaces "", the current folder, which -c puts first: a project's json.py must not stand in for Python's
const program = [
  "import sys",
  "sys.path[:] = [sys.argv.pop(1), *(entry for entry in sys.path if entry)]",
  "import runpy",
  "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)",
].join("; ");

/** The arguments that run `module` of the package in folder `kernel` in any interpreter, installing nothing there. */
export function bootstrapArguments(kernel: string, module: KernelModule): readonly string[] {
  return ["-X", "utf8", "-c", program, kernel, module];
}

/**
 * The environment for a Python process: the host's, without what is VS Code's own.
 *
 * ELECTRON_RUN_AS_NODE would turn an Electron program that user code starts into Node, for one.
 */
export function kernelEnvironment(
  base: Readonly<Record<string, string | undefined>>,
  extra: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const own = (name: string): boolean => name.startsWith("VSCODE_") || name.startsWith("ELECTRON_");
  const kept = Object.entries(base).filter(([name]) => !own(name));
  return { ...Object.fromEntries(kept), ...extra };
}
