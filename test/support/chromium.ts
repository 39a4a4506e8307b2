/** @file Finds Chromium on the machine, and the software graphics device that comes with it. */
import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

const EXECUTABLES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** Folders in which distributions put Chromium's own files. */
const FOLDERS = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/usr/lib64/chromium-browser'];

/** The path of Chromium: the environment variable `CHROMIUM`, else what is on the path; `undefined` without one. */
export function findChromium(): string | undefined {
  const given = process.env.CHROMIUM;
  if (given !== undefined && given !== '') return given;
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders
    .flatMap((folder) => EXECUTABLES.map((name) => join(folder, name)))
    .find((path) => existsSync(path));
}

/**
 * What a process needs in its environment, from its start, to find a Vulkan device that computes in software: the loader
 * and the driver that Chromium brings along. `undefined` where there is none.
 */
export function softwareVulkan(): Record<string, string> | undefined {
  const chromium = findChromium();
  const folder = [...(chromium === undefined ? [] : [dirname(chromium)]), ...FOLDERS].find((candidate) =>
    existsSync(join(candidate, 'vk_swiftshader_icd.json')),
  );
  if (folder === undefined) return undefined;
  const icd = join(folder, 'vk_swiftshader_icd.json');
  const libraries = [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter);
  return { VK_ICD_FILENAMES: icd, VK_DRIVER_FILES: icd, LD_LIBRARY_PATH: libraries };
}
