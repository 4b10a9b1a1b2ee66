// Bundles the page into dist/, the folder that the daemon embeds:
//   dist/index.html.gz              revalidated by the browser at every visit
//   dist/assets/<name>-<hash>.*.gz  immutable, since the hash is that of the content
// Every file is stored compressed only, so that the binary carries one copy of it. The output
// depends on nothing but the sources and the lockfile: gzip's header holds no time.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, 'dist'));
const GZIP_BYTES_MAX = 60 * 1024;

rmSync(out, { recursive: true, force: true });
mkdirSync(join(out, 'assets'), { recursive: true });

let totalBytes = 0;
function store(path, content) {
  const packed = gzipSync(content, { level: 9 });
  totalBytes += packed.length;
  writeFileSync(join(out, `${path}.gz`), packed);
}

function storeAsset(name, content) {
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 10);
  const extension = extname(name);
  const path = `assets/${basename(name, extension)}-${hash}${extension}`;
  store(path, content);
  return path;
}

async function bundle(entry) {
  const result = await build({
    entryPoints: [join(here, 'src', entry)],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: ['es2022', 'chrome110', 'firefox110', 'safari16'],
    legalComments: 'none',
    absWorkingDir: here,
    logLevel: 'warning',
  });
  return Buffer.from(result.outputFiles[0].contents);
}

const names = {
  script: storeAsset('page.js', await bundle('main.js')),
  style: storeAsset('page.css', await bundle('style/page.css')),
  icon: storeAsset('icon.svg', readFileSync(join(here, 'src/icon.svg'))),
};
const template = readFileSync(join(here, 'src/index.html'), 'utf8');
store('index.html', Buffer.from(template.replace(/\{\{(\w+)\}\}/g, (_, key) => names[key])));

for (const file of [
  'index.html.gz',
  ...readdirSync(join(out, 'assets')).map((f) => `assets/${f}`),
]) {
  console.log(`${String(statSync(join(out, file)).size).padStart(7)}  ${file}`);
}
console.log(`${String(totalBytes).padStart(7)}  in all`);
if (totalBytes > GZIP_BYTES_MAX) {
  console.error(`The page is ${totalBytes} bytes compressed; its limit is ${GZIP_BYTES_MAX}.`);
  process.exit(1);
}
