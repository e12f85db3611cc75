// Joins the modules of src/ into the one asset of the package. The same sources give the same bytes.
//   node build.mjs            writes src/xent/explorer/explorer.js
//   node build.mjs --check    fails when the committed asset differs
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';

const ASSET = fileURLToPath(new URL('../src/xent/explorer/explorer.js', import.meta.url));

/** The style sheets as the page adds them.
 * @type {string[]} */
const sheets = [];

/** Style sheets become strings, minified.
 * @type {import('esbuild').Plugin} */
const styles = {
  name: 'styles',
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const { code, warnings } = await esbuild.transform(source, { loader: 'css', minify: true });
      // A brace lost in a merge is a mere warning to esbuild, which takes all that follows as nested.
      if (warnings.length) throw new Error(`${path}: ${warnings.map(({ text }) => text).join('; ')}`);
      sheets.push(code);
      return { contents: code, loader: 'text' };
    });
  },
};

/** Our own words for properties, which the asset holds shortened. None may be a name that a browser or a notebook gives
 * or takes (an attribute for `h` or a Pen, a member of an element or a rectangle), a key of the state, or a name that a
 * program of "Show Python" sets. */
const OURS = `
  label change element describe line update circle draw span quantities ratio question sentence
  hatch presets choices sliders natural inside formula figures loss ticks setup python nudge
  moveShare parents place single columns redraw losses shape move fields header places group pieces
  mind lead show infinite
`;

const { outputFiles } = await esbuild.build({
  entryPoints: [fileURLToPath(new URL('src/index.js', import.meta.url))],
  bundle: true,
  write: false,
  format: 'esm',
  target: 'es2022',
  minify: true,
  mangleProps: new RegExp(`^(${OURS.trim().split(/\s+/).join('|')})$`),
  charset: 'utf8',
  legalComments: 'none',
  plugins: [styles],
});
if (sheets.length !== 1) throw new Error(`one style sheet is allowed on the page, not ${sheets.length}`);
// The page allows its style sheet by hash. Python reads it here, so that it need not look into the script.
const hash = createHash('sha256').update(sheets[0]).digest('base64');
// A script, no module: what the entry exports becomes the one global. (The wrapper of esbuild for this is half a kB.)
const [code, exported] = outputFiles[0].text.split(/export\{([^{}]*)\};\s*$/);
const names = exported.replace(/(\S+) as (\S+?)(,|$)/g, '$2:$1$3');
const text = `/*css sha256-${hash}*/\nvar xentExplorer=(()=>{"use strict";${code}return{${names}}})();\n`;
if (/<\/script|<!--/i.test(text))
  throw new Error('the asset would end its own script element, or hide its end');

if (process.argv.includes('--check')) {
  if ((await readFile(ASSET, 'utf8')) !== text) {
    console.error(
      'src/xent/explorer/explorer.js is not what web/ builds: run `npm run build` in web/ and commit it',
    );
    process.exit(1);
  }
  console.log(`explorer.js is what web/ builds (${Buffer.byteLength(text)} bytes)`);
} else {
  await writeFile(ASSET, text);
  console.log(`wrote explorer.js, ${Buffer.byteLength(text)} bytes`);
}
