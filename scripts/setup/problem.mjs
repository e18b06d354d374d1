/** What stopped the set-up, said so that the reader can mend it. */
export class Problem extends Error {
  /**
   * @param {string} found what is wrong
   * @param {string} remedy what mends it, a command where there is one
   * @param {string | null} log the file with the whole output, where there is one
   */
  constructor(found, remedy, log = null) {
    super(found);
    this.name = "Problem";
    this.remedy = remedy;
    this.log = log;
  }
}

/** What the output of a failed tool means: the first row that matches. */
const signs = [
  {
    sign: /ENOSPC|No space left on device|os error 28\b|EDQUOT|quota exceeded/i,
    found: "the disk is full",
    remedy: "free some space (PyTorch with its CUDA libraries alone takes about 6 GB) and run the same command again",
  },
  {
    sign: /EACCES|EPERM|EROFS|Permission denied|Read-only file system/i,
    found: "a file or folder cannot be written",
    remedy: "make the clone's folder yours (chown -R), or clone into a folder you may write to, and run the same command again",
  },
  {
    sign: /CMake \S+ or higher is required/i,
    found: "this CMake is too old",
    remedy: "install a newer one: python3 -m pip install cmake, or your system's package",
  },
  {
    sign: /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET|network|Failed to fetch|error sending request|dns error|Could not connect|timed out|certificate|\b(403|404|407|429|50[0-4])\b/i,
    found: "a package registry did not answer, or refused",
    remedy:
      "check the network and proxy, and run the same command again: what was fetched is kept. Behind a mirror, npm reads .npmrc and uv reads uv.toml (not pip's configuration). " +
      "Without a network, point PAINNLESS_PYTHON at an existing PyTorch and ASE environment",
  },
  {
    sign: /No solution found|no matching distribution|has no wheels with a matching|only have wheels for|ETARGET|No matching version/i,
    found: "a package has no version for this machine or this Python",
    remedy:
      "use another Python (3.11 to 3.13 are the safest), or an existing environment through PAINNLESS_PYTHON; the log names the package",
  },
  {
    sign: /Killed|out of memory|bad_alloc|virtual memory exhausted|ENOMEM/i,
    found: "the machine ran out of memory",
    remedy: "close other programs, or build with fewer jobs: CMAKE_BUILD_PARALLEL_LEVEL=1, and run the same command again",
  },
];

/**
 * The problem behind a failed tool's output.
 * @param {string} what the step, e.g. "npm packages"
 * @param {string} output
 * @param {string | null} log
 */
export function diagnose(what, output, log = null) {
  const known = signs.find(({ sign }) => sign.test(output));
  return known
    ? new Problem(`${what}: ${known.found}`, known.remedy, log)
    : new Problem(
        `${what}: failed for a reason the set-up does not know`,
        "read the end of the log below; painnless doctor shows what was found on this machine",
        log,
      );
}
