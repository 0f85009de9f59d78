# shellcheck shell=bash
# "up" and "down": the order of things, and nothing else.

OPERATOR_NAMESPACE=alphorn-system

# up [--cluster-only | --no-tenant] [--with ingress] [--with cert-manager]
up() {
  local mode=all ingress=no cert_manager=no began=$EPOCHREALTIME
  while (($#)); do
    case "$1 ${2:-}" in
      "--cluster-only "*) mode=cluster ;;
      "--no-tenant "*) mode=chart ;;
      "--with ingress") ingress=yes; shift ;;
      "--with cert-manager") cert_manager=yes; shift ;;
      *) fail "up knows --cluster-only, --no-tenant, --with ingress and --with cert-manager, not $*" ;;
    esac
    shift
  done
  preflight "$(needed_gigabytes)"
  lock_playground
  step "Debian packages" ensure_packages cluster images cpp
  playground_started || step "Network of the kernel" preflight_network
  step "Go $GO_VERSION" use_go
  step "Kubernetes $KUBERNETES_VERSION, etcd, Helm" build_hyperkube
  step "Name service and volume provisioner" build_addons
  step "containerd, runc, network plug-ins" unpack_runtime
  step "Enforcement of NetworkPolicies" build_netpol
  [[ $mode == cluster ]] || step "alphorn-operator" build_operator
  step "Images of the cluster" build_system_images
  step "Images of tenants (Postgres, Synapse, nginx, web, calls)" build_tenant_images
  if [[ $ingress == yes ]]; then
    step "Contour $CONTOUR_VERSION" build_contour
    step "Envoy $ENVOY_VERSION" fetch_envoy
    step "Images of Contour and Envoy" build_ingress_images
  fi
  if [[ $cert_manager == yes ]]; then
    step "cert-manager $CERT_MANAGER_VERSION" build_cert_manager
    step "Image of cert-manager" build_image cert_manager
  fi
  [[ $mode == cluster ]] || step "Image of the operator" build_image operator
  step "Cluster" start_cluster
  step "Images into the cluster" import_images "$([[ $mode == cluster ]] && echo no || echo yes)"
  step "Name service, storage class, NetworkPolicies" start_addons
  if [[ $ingress == yes ]]; then
    step "Images of Contour and Envoy into the cluster" import_ingress_images
    step "Ingress and Gateway API" start_ingress
  fi
  if [[ $cert_manager == yes ]]; then
    step "Image of cert-manager into the cluster" import_cert_manager_image
    step "Issuers of certificates" start_cert_manager
  fi
  [[ $mode == cluster ]] || step "Chart alphorn" install_chart
  [[ $mode != all ]] || step "Tenant acme" start_tenant
  say "Up after $(since "$began" | sed 's/^ *//')."
  status_text
}

install_chart() {
  kubectl create namespace "$OPERATOR_NAMESPACE" --dry-run=client -o yaml | kubectl apply --server-side -f -
  kubectl label namespace "$OPERATOR_NAMESPACE" --overwrite pod-security.kubernetes.io/enforce=restricted
  # What an interrupted installation left pending would refuse every later one.
  kubectl -n "$OPERATOR_NAMESPACE" delete secret -l 'owner=helm,status in (pending-install,pending-upgrade)'
  helm upgrade --install alphorn "$ROOT/charts/alphorn" --namespace "$OPERATOR_NAMESPACE" \
    --values "$PLAYGROUND/values.yaml" --set "image=$(operator_image)" \
    --wait --timeout 600s ||
    { explain_pods "$OPERATOR_NAMESPACE"; fail "the operator did not become ready; see the pods' events above"; }
}

start_tenant() {
  local deadline=$((SECONDS + 900)) chs=companyhomeservers.alphorn.dev/acme
  kubectl apply --server-side --force-conflicts -f "$PLAYGROUND/tenants/acme.yaml"
  until kubectl -n acme wait --for=condition=Ready "$chs" --timeout=2s 2>/dev/null; do
    kubectl -n acme get "$chs" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].message}{"\n"}' || true
    ((SECONDS < deadline)) || tenant_failed "$chs"
  done
  known_tenants >/dev/null
}

tenant_failed() {
  kubectl -n acme get "$1" -o yaml || true
  explain_pods acme
  fail "tenant acme is not ready after 15 minutes: $(kubectl -n acme get "$1" \
    -o 'jsonpath={.status.conditions[?(@.type=="Ready")].message}')"
}

explain_pods() {
  kubectl -n "$1" get pods -o wide || true
  kubectl -n "$1" get events --sort-by=.lastTimestamp | tail -n 15 || true
}

# down [--keep-data]
down() {
  local keep=no leftovers
  case "${1:-}" in
    "") ;;
    --keep-data) keep=yes ;;
    *) fail "down knows --keep-data, not $1" ;;
  esac
  need_root
  lock_playground
  if [[ ! -d $STATE && ! -d $PIDS ]]; then
    rm -rf "$RUN"
    say "Nothing to stop."
    return
  fi
  step "Programs and pods" stop_programs
  step "Host as it was before" restore_host
  # PID 1 may need a moment to reap what has ended.
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    leftovers="$(list_leftovers)"
    [[ -n $leftovers ]] || break
    sleep 0.5
  done
  if [[ -n $leftovers ]]; then
    printf 'alphorn: this is still there; end or remove it, then run ./dev down again:\n%s\n' "$leftovers" >&2
    exit 1
  fi
  if [[ $keep == yes ]]; then
    rm -rf "$BEFORE"
    say "Down. The cluster's data stays in $STATE."
  else
    step "Data of the cluster" remove_state
    say "Down. Nothing is left but the build cache in $CACHE."
  fi
  rm -rf "$RUN"
}

# Never a folder with something mounted below it, and never one that is not ours.
remove_state() {
  [[ -z $(mounts_below) ]] || fail "something is still mounted below $STATE"
  rmdir "$STATE" 2>/dev/null && return 0
  [[ -f $STATE/key || -d $STATE/before ]] || fail "$STATE does not look like the playground's; remove it yourself"
  rm -rf "$STATE"
}

clean() {
  ! cluster_running || fail "the cluster runs from the cache; ./dev down first"
  say "Removing $CACHE"
  chmod -R u+w "$CACHE/go" 2>/dev/null || true
  rm -rf "$CACHE"
}
