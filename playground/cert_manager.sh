# shellcheck shell=bash
# "up --with cert-manager": cert-manager with issuers of the kinds SelfSigned and CA, for the story
# that proves tls.mode certManager. Its entry points are our own: see cert_manager/main.go.

cert_manager_folder() {
  printf '%s/bin/cert-manager-%s' "$CACHE" \
    "$(key_of "$GO_VERSION $CERT_MANAGER_VERSION" -- playground/cert_manager)"
}

# Effect: the program, and beside it the chart that its makers publish.
build_cert_manager() {
  local folder module=github.com/cert-manager/cert-manager
  folder="$(cert_manager_folder)"
  [[ ! -d $folder ]] || return 0
  use_go
  rm -rf "$folder.part"
  mkdir -p "$folder.part"
  cp -r "$(module_folder "$module" "$CERT_MANAGER_VERSION")" "$folder.part/source"
  chmod -R u+w "$folder.part"
  mkdir -p "$folder.part/source/cmd/alphorn"
  cp "$PLAYGROUND/cert_manager/main.go" "$folder.part/source/cmd/alphorn/"
  (cd "$folder.part/source" && CGO_ENABLED=0 go build -mod=mod -trimpath -o "$folder.part/cert-manager" \
    -ldflags "-s -w -X $module/pkg/util.AppVersion=$CERT_MANAGER_VERSION" ./cmd/alphorn)
  mv "$folder.part/source/deploy/charts/cert-manager" "$folder.part/chart"
  sed -i "s/v0\.0\.0/$CERT_MANAGER_VERSION/" "$folder.part/chart/Chart.yaml"
  rm -rf "$folder.part/source"
  mv -T "$folder.part" "$folder"
}

image_cert_manager() {
  mkdir -p "$1"/{etc,tmp}
  install -m 755 "$(cert_manager_folder)/cert-manager" "$1/cert-manager"
  mkimage --user 65532:65532 --entrypoint /cert-manager "$1" "$CERT_MANAGER_IMAGE" "$2"
}

import_cert_manager_image() { printf "%s\n" "$(image_archive cert_manager)" | import_archives; }

# Effect: Certificates are issued.
start_cert_manager() {
  local part values=()
  for part in "" webhook. cainjector.; do
    values+=(--set "${part}image.repository=${CERT_MANAGER_IMAGE%:*}" --set "${part}image.tag=${CERT_MANAGER_IMAGE##*:}")
  done
  # One image for all three: an argument says which of them it shall be.
  values+=(--set 'extraArgs={controller}' --set 'webhook.extraArgs={webhook}' --set 'cainjector.extraArgs={cainjector}')
  helm upgrade --install cert-manager "$(cert_manager_folder)/chart" --namespace cert-manager --create-namespace \
    --set crds.enabled=true --set startupapicheck.enabled=false "${values[@]}" --wait --timeout 600s
  kubectl label namespace cert-manager --overwrite pod-security.kubernetes.io/enforce=restricted
  await "cert-manager's webhook" 300 try_issuer
}

# The API server trusts the webhook once its authority is injected; until then all is refused.
try_issuer() {
  kubectl create --dry-run=server -f - <<'END'
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: try}
spec: {selfSigned: {}}
END
}
