// Hydrogen's own views, told by the company's config.json which server to log in at.
import { FeatureSet, Platform, RootViewModel, createNavigation, createRouter } from "hydrogen-view-sdk";
import "hydrogen-view-sdk/theme-element-light.css";
import "./page.css";
import downloadSandbox from "hydrogen-view-sdk/download-sandbox.html";
import olmBundle from "@matrix-org/olm/olm.js";
import olmWasm from "@matrix-org/olm/olm.wasm";

async function configuration() {
  const answer = await fetch("config.json");
  if (!answer.ok) throw new Error(`config.json: the server answers ${answer.status}`);
  return answer.json();
}

async function start(container) {
  const config = await configuration();
  const server = config.default_server_config["m.homeserver"];
  document.title = `${config.brand} (try-out client)`;
  const platform = new Platform({
    container,
    config: { defaultHomeServer: server.base_url },
    assetPaths: { downloadSandbox, olm: { wasm: olmWasm, wasmBundle: olmBundle }, serviceWorker: "sw.js" },
  });
  const navigation = createNavigation();
  platform.setNavigation(navigation);
  await platform.init();
  const urlRouter = createRouter({ navigation, history: platform.history });
  urlRouter.attach();
  const features = await FeatureSet.load(platform.settingsStorage);
  const root = new RootViewModel({ platform, navigation, urlRouter, features });
  await root.load();
  platform.createAndMountRootView(root);
}

const container = document.getElementById("client");
start(container).catch((error) => {
  container.classList.add("failed");
  container.textContent = `The client cannot start: ${error.message}`;
});
