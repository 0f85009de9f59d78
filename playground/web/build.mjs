// node build.mjs FOLDER: effect: the page is there. Names of bundles carry the hash of what is in them.
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { build } from "esbuild";

const target = process.argv[2];
const source = "src";

// Files that are only linked to, and not part of a bundle.
const linked = ["woff", "woff2", "svg", "wasm", "html"].map((kind) => [`.${kind}`, "file"]);

const olmAsFile = {
  name: "olm is loaded as a script of its own",
  setup(bundler) {
    bundler.onLoad({ filter: /olm\/olm\.js$/ }, async ({ path }) => ({
      contents: await readFile(path),
      loader: "file",
    }));
  },
};

const { metafile } = await build({
  entryPoints: { main: `${source}/main.js`, guide: `${source}/mobile_guide/guide.js` },
  outdir: join(target, "bundles"),
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  publicPath: "/bundles",
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  loader: Object.fromEntries(linked),
  plugins: [olmAsFile],
  metafile: true,
  logLevel: "warning",
});

async function page(from, to, entry) {
  const [script, { cssBundle }] = Object.entries(metafile.outputs).find(([, made]) => made.entryPoint === entry);
  const html = await readFile(from, "utf8");
  const link = (path) => `/bundles/${basename(path)}`;
  await writeFile(to, html.replace("SCRIPT", link(script)).replace("STYLE", link(cssBundle)));
}

await mkdir(join(target, "mobile_guide"), { recursive: true });
await page(`${source}/index.html`, join(target, "index.html"), `${source}/main.js`);
await page(
  `${source}/mobile_guide/index.html`,
  join(target, "mobile_guide", "index.html"),
  `${source}/mobile_guide/guide.js`,
);
// It adds the token to downloads of media, and must lie where its scope begins.
await copyFile("node_modules/hydrogen-view-sdk/lib-build/sw.js", join(target, "sw.js"));
