// Every mistake on purpose is detected by each layer that is there to see it; exits with 1 when one is blind.
import { MISTAKES, tryMistake } from './mistakes.mjs';
import { tally } from './run.mjs';

let blind = 0;
// Without a mistake nothing is seen: what is told below comes of the mistakes.
for (const layer of process.argv[2] ? [] : ['A', 'B', 'C', 'D']) {
  const { tried, saw } = await tryMistake({ name: 'none' }, layer, 4);
  blind += Boolean(saw);
  console.log(`M  no mistake: ${saw ? `${layer} tells ${saw}` : `${layer} is silent, ${tried} tried`}`);
}
for (const mistake of MISTAKES.filter((m) => !process.argv[2] || m.name === process.argv[2])) {
  for (const layer of mistake.by) {
    const seconds = tally();
    const { tried, saw } = await tryMistake(mistake, layer);
    blind += !saw;
    console.log(`M  ${mistake.name} (${mistake.what}): ${saw ? `seen by ${layer} after ${tried}` : `NOT SEEN by ${layer} in ${tried}`} ` +
      `(${seconds()} s)${saw ? `\n     ${saw.slice(0, 150)}` : ''}`);
  }
}
process.exit(blind ? 1 : 0);
