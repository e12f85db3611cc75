// Joins the modules of src/ into the one asset of the package. The same sources give the same bytes.
//   node build.mjs            writes src/xent/explorer/explorer.js
//   node build.mjs --check    fails when the committed asset differs
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';

const ASSET = fileURLToPath(new URL('../src/xent/explorer/explorer.js', import.meta.url));

/** Style sheets become strings, minified.
 * @type {import('esbuild').Plugin} */
const styles = {
  name: 'styles',
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await esbuild.transform(await readFile(path, 'utf8'), { loader: 'css', minify: true });
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
const text = outputFiles[0].text;
if (text.includes('</script')) throw new Error('the asset would end its own script element');

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
