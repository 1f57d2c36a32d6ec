import { Failure } from "./failure.mjs";
import { onPath } from "./find.mjs";
import { step } from "./print.mjs";
import { mustRun, run } from "./processes.mjs";

/** How Debian's packages may be installed without asking anyone: as root, or by a CI's passwordless sudo. */
const installer = async () => {
  const apt = process.platform === "linux" ? onPath(["apt-get"]) : undefined;
  if (apt === undefined) return undefined;
  if (process.getuid?.() === 0) return [apt];
  const sudo = process.env["CI"] === undefined ? undefined : onPath(["sudo"]);
  if (sudo === undefined) return undefined;
  const { code } = await run(sudo, ["-n", "true"]);
  return code === 0 ? [sudo, "-n", apt] : undefined;
};

/**
 * Installs packages of Debian and its kin where that is allowed.
 *
 * @param {readonly string[]} packages
 * @param {string} otherwise what to tell the user where it isn't: the reason, and what to do
 */
export const aptInstall = async (packages, otherwise) => {
  const [command, ...prefix] = (await installer()) ?? [];
  if (command === undefined) throw new Failure(otherwise);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const install = [...prefix, "install", "-y", "-q", "--no-install-recommends", ...packages];
  await step(`installing ${packages.join(", ")} by apt-get (once)`, async () => {
    const { code } = await run(command, install, { env });
    if (code === 0) return;
    await mustRun("Refreshing the package lists", command, [...prefix, "update", "-q"], { env });
    await mustRun(`${otherwise}\nInstalling by apt-get`, command, install, { env });
  });
};
