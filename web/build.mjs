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
      const { code } = await esbuild.transform(await readFile(path, 'utf8'), { loader: 'css', minify: true });
      // A brace lost in a merge is no error to esbuild: it takes all that follows as nested rules, which match nothing.
      if (/\{[^{}]*\.xent/.test(code.replace(/@[^{]*\{/g, '')))
        throw new Error(`${path}: a rule stands within another, a brace is missing`);
      sheets.push(code);
      return { contents: code, loader: 'text' };
    });
  },
};

const { outputFiles } = await esbuild.build({
  entryPoints: [fileURLToPath(new URL('src/index.js', import.meta.url))],
  bundle: true,
  write: false,
  format: 'iife',
  globalName: 'xentExplorer',
  target: 'es2022',
  minify: true,
  charset: 'utf8',
  legalComments: 'none',
  plugins: [styles],
});
if (sheets.length !== 1) throw new Error(`one style sheet is allowed on the page, not ${sheets.length}`);
// The page allows its style sheet by hash. Python reads it here, so that it need not look into the script.
const hash = createHash('sha256').update(sheets[0]).digest('base64');
const text = `/*css sha256-${hash}*/\n${outputFiles[0].text}`;
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
