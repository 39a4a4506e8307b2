/** @file Draws random numbers on WebGPU in a process of its own and writes them as JSON to the file it is given. */
import { writeFileSync } from 'node:fs';
import { compileFunction } from '../../../lib/compile';
import { webgpuRuntimeNode } from '../../../lib/compile/runtime.node';
import { drawn, KEYS, keyTensor } from './drawn';

async function main() {
  const compiled = await compileFunction(webgpuRuntimeNode(), drawn, [keyTensor(0), keyTensor(0)], {
    threads: 1,
  });
  const results: number[][][] = [];
  for (const [seed, step] of KEYS) {
    const outputs = await compiled.run([keyTensor(seed), keyTensor(step)]);
    results.push(outputs.map(({ data }) => [...data]));
  }
  writeFileSync(process.argv[2] as string, JSON.stringify(results));
}

void main();
