# shellcheck shell=bash
# Everything that is compiled or unpacked before the cluster starts, each in a cache folder whose
# name is the key of its inputs: a second run, or another clone, finds it there.

hyperkube_flags() {
  local package flags="-s -w"
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    flags+=" -X $package.gitVersion=$KUBERNETES_VERSION -X $package.gitMajor=1"
    flags+=" -X $package.gitMinor=$(cut -d. -f2 <<<"$KUBERNETES_VERSION") -X $package.gitTreeState=clean"
  done
  printf '%s -X helm.sh/helm/v4/internal/version.version=%s' "$flags" "$HELM_VERSION"
}

hyperkube_folder() {
  printf '%s/bin/hyperkube-%s' "$CACHE" "$(key_of "$GO_VERSION $(hyperkube_flags)" -- playground/hyperkube)"
}
addons_folder() {
  printf '%s/bin/addons-%s' "$CACHE" "$(key_of "$GO_VERSION" -- playground/addons)"
}
runtime_folder() {
  printf '%s/bin/containerd-%s' "$CACHE" "$(key_of "${CONTAINERD_PACKAGES[*]}")"
}
operator_folder() {
  printf '%s/bin/operator-%s' "$CACHE" \
    "$(key_of "release" -- CMakeLists.txt CMakePresets.json cmake lib operator provisioner crds)"
}
netpol_folder() {
  printf '%s/bin/netpol-%s' "$CACHE" \
    "$(key_of "release" -- CMakeLists.txt CMakePresets.json cmake lib playground/netpol)"
}

build_go() { # folder program flags
  local folder="$1" program="$2" flags="$3"
  [[ ! -x $folder/$program ]] || return 0
  use_go
  mkdir -p "$folder"
  (cd "$PLAYGROUND/$program" &&
    CGO_ENABLED=0 go build -buildvcs=false -trimpath -tags notest -ldflags "$flags" -o "$folder/$program.part" .)
  mv "$folder/$program.part" "$folder/$program"
}

# Effect: hyperkube exists, with a symlink for every program in it.
build_hyperkube() {
  local folder name
  folder="$(hyperkube_folder)"
  build_go "$folder" hyperkube "$(hyperkube_flags)"
  for name in etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl \
    cri-clean helm; do
    ln -sf hyperkube "$folder/$name"
  done
}

build_addons() { build_go "$(addons_folder)" addons "-s -w"; }

unpack_runtime() {
  unpack_debian "$(runtime_folder)" "${CONTAINERD_PACKAGES[@]}"
}

# The compiler cache lives in our cache and counts paths from the checkout, so that clones share it.
use_ccache() {
  export CCACHE_DIR="$CACHE/ccache" CCACHE_BASEDIR="$ROOT" CCACHE_NOHASHDIR=1
}

build_jobs() { nproc; }

# build_preset PRESET [TARGET...]: configures and builds into build/PRESET of the checkout.
build_preset() {
  local preset="$1"
  shift
  use_ccache
  (cd "$ROOT" && cmake --preset "$preset" &&
    cmake --build "build/$preset" -j "$(build_jobs)" ${1:+--target "$@"})
}

# build_cpp NAME PROGRAM...: effect: the programs, such as operator/alphorn-operator, are built into the folder
# that NAME_folder prints, and that folder is written down for the steps that follow: the sources may change
# under them.
build_cpp() {
  local name="$1" folder program
  shift
  folder="$("${name}_folder")"
  if [[ ! -d $folder ]]; then
    build_preset release "${@##*/}"
    while [[ $("${name}_folder") != "$folder" ]]; do
      printf 'the sources changed while they were compiled: once more\n'
      folder="$("${name}_folder")"
      build_preset release "${@##*/}"
    done
    rm -rf "$folder.part"
    mkdir -p "$folder.part"
    for program in "$@"; do
      [[ -x $ROOT/build/release/$program ]] || fail "the release build left no $program"
      install -m 755 "$ROOT/build/release/$program" "$folder.part/"
    done
    mv -T "$folder.part" "$folder"
    keep_newest 5 "$CACHE/bin/$name-"
  fi
  mkdir -p "$ROOT/build"
  printf '%s\n' "$folder" >"$ROOT/build/$name-folder"
}

# One image has both: the operator runs the provisioner as Jobs.
build_operator() { build_cpp operator operator/alphorn-operator provisioner/alphorn; }
build_netpol() { build_cpp netpol playground/netpol/alphorn-netpol; }

# What was built last, in this checkout.
built_operator() { cat "$ROOT/build/operator-folder"; }
built_netpol() { cat "$ROOT/build/netpol-folder"; }
