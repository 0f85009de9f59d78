# shellcheck shell=bash
# What calls run on: LiveKit, which passes on the voices and pictures of a call, compiled from its Go module;
# coturn comes from Debian.

livekit_folder() { printf '%s/bin/livekit-%s' "$CACHE" "$(key_of "$GO_VERSION $LIVEKIT_VERSION $(code_of build_livekit)")"; }

# Effect: the program is built, with the versions of other modules that its makers chose.
build_livekit() {
  local folder
  folder="$(livekit_folder)"
  [[ ! -d $folder ]] || return 0
  use_go
  rm -rf "$folder.part"
  mkdir -p "$folder.part"
  cp -r "$(module_folder github.com/livekit/livekit-server "$LIVEKIT_VERSION")" "$folder.part/source"
  chmod -R u+w "$folder.part"
  (cd "$folder.part/source" && CGO_ENABLED=0 go build -mod=mod -trimpath -ldflags "-s -w" \
    -o "$folder.part/livekit-server" ./cmd/server)
  rm -rf "$folder.part/source"
  mv -T "$folder.part" "$folder"
}

image_livekit() {
  mkdir -p "$1"/{bin,etc,tmp}
  install -m 755 "$(livekit_folder)/livekit-server" "$1/bin/livekit-server"
  mkimage --user 10001:10001 --env PATH=/bin "$1" "$LIVEKIT_IMAGE" "$2"
}

image_coturn() {
  copy_base "$1"
  install_into "$1" "${COTURN_PACKAGES[@]}"
  mkimage --user 10001:10001 --env PATH=/usr/bin:/bin "$1" "$COTURN_IMAGE" "$2"
}
