# shellcheck shell=bash
# What others define: the kinds that the chart or a company's manifests ask for where a cluster knows
# them. And what compares manifests with definitions. From Go modules, as everything else.

definitions_folder() {
  printf '%s/bin/definitions-%s' "$CACHE" \
    "$(key_of "$GATEWAY_API_VERSION $PROMETHEUS_OPERATOR_VERSION $CERT_MANAGER_VERSION $(code_of fetch_definitions)")"
}

kubeconform_folder() { printf '%s/bin/kubeconform-%s' "$CACHE" "$(key_of "$GO_VERSION $KUBECONFORM_VERSION")"; }

# Effect: one YAML file a kind.
fetch_definitions() {
  local folder gateways monitors certificates
  folder="$(definitions_folder)"
  [[ ! -d $folder ]] || return 0
  use_go
  rm -rf "$folder.part"
  mkdir -p "$folder.part"
  gateways="$(module_folder sigs.k8s.io/gateway-api "$GATEWAY_API_VERSION")/config/crd/experimental"
  monitors="$(module_folder github.com/prometheus-operator/prometheus-operator "$PROMETHEUS_OPERATOR_VERSION")"
  monitors+="/example/prometheus-operator-crd"
  certificates="$(module_folder github.com/cert-manager/cert-manager "$CERT_MANAGER_VERSION")/deploy/crds"
  cp "$gateways"/gateway.networking.k8s.io_{gateways,httproutes,tlsroutes}.yaml \
    "$monitors"/monitoring.coreos.com_{podmonitors,servicemonitors,prometheusrules}.yaml \
    "$certificates"/cert-manager.io_{certificates,issuers}.yaml "$folder.part"
  mv -T "$folder.part" "$folder"
}

build_kubeconform() {
  local folder
  folder="$(kubeconform_folder)"
  [[ ! -x $folder/kubeconform ]] || return 0
  use_go
  mkdir -p "$folder"
  (cd / && GOBIN="$folder" CGO_ENABLED=0 go install "github.com/yannh/kubeconform/cmd/kubeconform@$KUBECONFORM_VERSION")
}
