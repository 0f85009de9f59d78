# shellcheck shell=bash
# The container images, each an archive in the cache under the key of what went into it.

# shellcheck source=images/chroot.sh
source "$PLAYGROUND/images/chroot.sh"

# The code that makes an image is part of its key; what else this file holds is not.
code_of() { declare -f "$@"; }

base_key() { key_of "$DEBIAN_SUITE $DEBIAN_RELEASE $(code_of build_base debian_sources slim)"; }
base_folder() { printf '%s/images/base-%s' "$CACHE" "$(base_key)"; }

# image_archive NAME: where the image's archive is, or will be.
image_archive() {
  local inputs=() files=(playground/images/mkimage.py)
  case "$1" in
    pause) inputs=("$PAUSE_IMAGE") files+=(playground/images/pause.c) ;;
    addons) inputs=("$(addons_image)") ;;
    postgres) inputs=("$POSTGRES_IMAGE" "$(base_key)" "${POSTGRES_PACKAGES[@]}") ;;
    nginx) inputs=("$NGINX_IMAGE" "$(base_key)" "${NGINX_PACKAGES[@]}") ;;
    web) inputs=("$WEB_IMAGE" "$(base_key)" "$(basename "$(web_folder)")" "${NGINX_PACKAGES[@]}") ;;
    synapse)
      inputs=("$SYNAPSE_IMAGE" "$(base_key)" "$(code_of install_python compile_python)" "${SYNAPSE_PACKAGES[@]}")
      files+=(playground/images/synapse-requirements.txt)
      ;;
    heisenbridge)
      inputs=("$HEISENBRIDGE_IMAGE" "$(base_key)" "$(code_of install_python compile_python)" "${PYTHON_PACKAGES[@]}")
      files+=(playground/images/heisenbridge-requirements.txt)
      ;;
    mautrix_telegram)
      inputs=("$TELEGRAM_IMAGE" "$(base_key)" "$(code_of install_python compile_python)" "${TELEGRAM_PACKAGES[@]}")
      files+=(playground/images/mautrix-telegram-requirements.txt)
      ;;
    redis) inputs=("$REDIS_IMAGE" "$(base_key)" "${REDIS_PACKAGES[@]}") ;;
    exporters) inputs=("$EXPORTERS_IMAGE" "$(base_key)" "${EXPORTER_PACKAGES[@]}") ;;
    backup) inputs=("$BACKUP_IMAGE" "$(base_key)" "${BACKUP_PACKAGES[@]}") ;;
    livekit) inputs=("$LIVEKIT_IMAGE" "$(basename "$(livekit_folder)")") ;;
    coturn) inputs=("$COTURN_IMAGE" "$(base_key)" "${COTURN_PACKAGES[@]}") ;;
    operator) inputs=("$(operator_image)") ;;
    contour) inputs=("$CONTOUR_IMAGE" "$(basename "$(contour_folder)")") ;;
    envoy) inputs=("$ENVOY_IMAGE" "$(base_key)") ;;
    cert_manager) inputs=("$CERT_MANAGER_IMAGE" "$(basename "$(cert_manager_folder)")") ;;
    *) fail "no image is called $1" ;;
  esac
  printf '%s/images/%s-%s.tar' "$CACHE" "$1" \
    "$(key_of "${inputs[@]}" "$(code_of "image_$1" install_into copy_base)" -- "${files[@]}")"
}

addons_image() { printf '%s/addons:%s' "$IMAGE_PREFIX" "$(basename "$(addons_folder)" | cut -d- -f2)"; }

# The tag is the key of the sources: the same program has the same name on every machine.
operator_image() { printf '%s/operator:%s' "$IMAGE_PREFIX" "$(basename "$(built_operator)" | cut -d- -f2)"; }

# build_image NAME: effect: its archive exists. A half-made one is never mistaken for it.
build_image() {
  local name="$1" archive work
  archive="$(image_archive "$name")"
  [[ ! -f $archive ]] || return 0
  work="$CACHE/images/work-$name"
  mkdir -p "$CACHE/images"
  discard_root "$work"
  "image_$name" "$work" "$archive"
  discard_root "$work"
  keep_newest 3 "$CACHE/images/$name-"
}

mkimage() { /usr/bin/python3 "$PLAYGROUND/images/mkimage.py" "$@"; }

image_pause() {
  mkdir -p "$1"
  gcc -Os -static -s -o "$1/pause" "$PLAYGROUND/images/pause.c"
  mkimage --user 65535:65535 --entrypoint /pause "$1" "$PAUSE_IMAGE" "$2"
}

image_addons() {
  mkdir -p "$1"/{etc,tmp}
  install -m 755 "$(addons_folder)/addons" "$1/addons"
  mkimage --user 65532:65532 --entrypoint /addons "$1" "$(addons_image)" "$2"
}

image_postgres() {
  local root="$1"
  copy_base "$root"
  chroot "$root" groupadd -g 999 postgres
  chroot "$root" useradd -u 999 -g 999 -d /var/lib/postgresql -M -s /usr/sbin/nologin postgres
  mkdir -p "$root/etc/postgresql-common"
  printf 'create_main_cluster = false\n' >"$root/etc/postgresql-common/createcluster.conf"
  install_into "$root" "${POSTGRES_PACKAGES[@]}"
  # The just-in-time compiler is half of the image and gains Synapse's short queries nothing.
  rm -rf "$root"/usr/lib/x86_64-linux-gnu/libLLVM* "$root"/usr/lib/postgresql/15/lib/{llvmjit*,bitcode} \
    "$root"/usr/lib/x86_64-linux-gnu/libz3.so*
  mkimage --user 999:999 --env PATH=/usr/lib/postgresql/15/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    "$root" "$POSTGRES_IMAGE" "$2"
}

image_nginx() {
  copy_base "$1"
  install_into "$1" "${NGINX_PACKAGES[@]}"
  mkimage --user 10001:10001 --env PATH=/usr/sbin:/usr/bin:/sbin:/bin "$1" "$NGINX_IMAGE" "$2"
}

image_redis() {
  copy_base "$1"
  install_into "$1" "${REDIS_PACKAGES[@]}"
  mkimage --user 10001:10001 --env PATH=/usr/bin:/bin "$1" "$REDIS_IMAGE" "$2"
}

# Both programs in one image, under the names that their makers' own images give them. They need a C
# library and nothing else; Debian's packages would also want an init system.
image_exporters() {
  local root="$1" unpacked="$1.packages"
  copy_base "$root"
  rm -rf "$unpacked"
  fetch_debian "$unpacked" "${EXPORTER_PACKAGES[@]}"
  install -m 755 "$unpacked/usr/bin/prometheus-postgres-exporter" "$root/usr/bin/postgres_exporter"
  install -m 755 "$unpacked/usr/bin/prometheus-nginx-exporter" "$root/usr/bin/nginx-prometheus-exporter"
  rm -rf "$unpacked"
  mkimage --user 10001:10001 --env PATH=/usr/bin:/bin "$root" "$EXPORTERS_IMAGE" "$2"
}

# What makes sets and fills them back: PostgreSQL's own dump, psycopg2 and restic, all of Debian's.
image_backup() {
  copy_base "$1"
  install_into "$1" "${BACKUP_PACKAGES[@]}"
  # Where libpq is told to look for the authorities of the world; install_into removes what the host lent.
  cat "$1"/usr/share/ca-certificates/mozilla/*.crt >"$1/etc/ssl/certs/ca-certificates.crt"
  mkimage --user 10001:10001 --env PATH=/usr/lib/postgresql/15/bin:/usr/bin:/bin "$1" "$BACKUP_IMAGE" "$2"
}

# install_python ROOT NAME: effect: what NAME-requirements.txt lists is installed where the root's own python3
# looks, so that "python3 -m ..." is enough. It is compiled by compile_python, once the needless is gone.
install_python() {
  [[ $(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])') == 3.11 ]] ||
    fail "Debian's /usr/bin/python3 must be 3.11, the version inside the image"
  /usr/bin/python3 -m pip install --quiet --no-compile --require-hashes --no-deps \
    --target "$1/usr/local/lib/python3.11/dist-packages" --root-user-action ignore \
    --requirement "$PLAYGROUND/images/$2-requirements.txt"
  find "$1/usr/local/lib/python3.11/dist-packages" -type d -name tests -prune -exec rm -rf {} +
}

# compile_python ROOT MODULE...: effect: byte code of all of it. Without, a start takes three times as long, and
# the root is read-only at run time. Fails unless the modules can be imported in there, and have theirs. One
# process: several need a /dev/shm. Some packages carry files for other Pythons, which may fail.
compile_python() {
  local root="$1"
  shift
  chroot "$root" python3 -m compileall -q --invalidation-mode unchecked-hash \
    /usr/local/lib/python3.11/dist-packages /usr/lib/python3.11 || true
  chroot "$root" env -i PATH=/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 python3 -c 'import importlib, os, sys
for name in sys.argv[1:]:
    assert os.path.exists(importlib.import_module(name).__cached__), "no byte code was made of " + name' "$@"
}

image_synapse() {
  local root="$1" packages="$1/usr/local/lib/python3.11/dist-packages"
  copy_base "$root"
  install_into "$root" "${SYNAPSE_PACKAGES[@]}"
  install_python "$root" synapse
  # boto describes every service of Amazon's; one is spoken to.
  find "$packages/botocore/data" -mindepth 1 -maxdepth 1 -type d ! -name s3 -exec rm -rf {} +
  compile_python "$root" synapse.app.homeserver synapse.handlers.oidc psycopg2 txredisapi hiredis s3_storage_provider
  mkimage --user 10001:10001 --env PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    --env LD_PRELOAD=libjemalloc.so.2 "$root" "$SYNAPSE_IMAGE" "$2"
}

image_heisenbridge() {
  copy_base "$1"
  install_into "$1" "${PYTHON_PACKAGES[@]}"
  install_python "$1" heisenbridge
  compile_python "$1" heisenbridge.network_room
  mkimage --user 10001:10001 --env PATH=/usr/local/bin:/usr/bin:/bin "$1" "$HEISENBRIDGE_IMAGE" "$2"
}

# The last mautrix-telegram in Python: what a bridge is like that the operator knows nothing of.
image_mautrix_telegram() {
  copy_base "$1"
  install_into "$1" "${TELEGRAM_PACKAGES[@]}"
  install_python "$1" mautrix-telegram
  compile_python "$1" mautrix_telegram.portal mautrix_telegram.web magic asyncpg
  mkimage --user 10001:10001 --env PATH=/usr/local/bin:/usr/bin:/bin "$1" "$TELEGRAM_IMAGE" "$2"
}

# The operator, the provisioner that it runs as Jobs, what that seals and prints first passwords with, and
# exactly the shared libraries their loader would open.
image_operator() {
  local root="$1" binary library fonts=/usr/share/fonts/truetype/dejavu
  mkdir -p "$root"/{etc,tmp,usr/local/bin,$fonts}
  for binary in "$(built_operator)"/alphorn{-operator,} /usr/bin/age; do
    install -m 755 "$binary" "$root/usr/local/bin/"
    { ldd "$binary" || true; } | grep -o '/[^ ]*' | while read -r library; do
      install -D -m 755 "$(readlink -f "$library")" "$root$library"
    done
  done
  install -m 644 "$fonts"/DejaVuSans.ttf "$fonts"/DejaVuSansMono-Bold.ttf "$root$fonts/"
  printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
  printf 'alphorn:x:65532:65532::/:/sbin/nologin\n' >"$root/etc/passwd"
  mkimage --user 65532:65532 --entrypoint /usr/local/bin/alphorn-operator "$root" "$(operator_image)" "$2"
}

# everything_built: whether all that "up" needs lies in the cache already.
everything_built() {
  local file
  [[ -z $(missing_packages cluster images cpp) ]] || return 1
  [[ -d $(runtime_folder) && -f $ROOT/build/operator-folder && $(built_operator) == "$(operator_folder)" ]] ||
    return 1
  [[ -f $ROOT/build/netpol-folder && $(built_netpol) == "$(netpol_folder)" ]] || return 1
  while read -r file; do
    [[ -f $file ]] || return 1
  done < <(printf '%s\n' "$(hyperkube_folder)/hyperkube" "$(addons_folder)/addons" \
    "$(netpol_folder)/alphorn-netpol"; image_archives yes)
}

# Effect: the operator's image exists; prints where, and nothing else, for what pushes it somewhere.
print_operator_image() {
  (ensure_packages cpp images; build_operator; build_image operator) >&2
  image_archive operator
  printf '\n'
}

build_system_images() { build_image pause && build_image addons; }

build_tenant_images() {
  local name
  build_base
  build_web
  build_livekit
  for name in nginx postgres synapse redis exporters backup web heisenbridge mautrix_telegram livekit coturn; do build_image "$name"; done
}

# What a homeserver needs that runs outside a cluster, for tests.
build_homeserver_images() { build_base && build_image postgres && build_image synapse && build_image backup; }

# image_archives WITH_OPERATOR: the archives of all images, one a line, and what images.d holds.
image_archives() {
  local name names=(pause addons nginx postgres synapse redis exporters backup web heisenbridge mautrix_telegram livekit coturn)
  [[ $1 != yes ]] || names+=(operator)
  for name in "${names[@]}"; do image_archive "$name"; printf '\n'; done
  find "$PLAYGROUND/images.d" -name '*.tar' 2>/dev/null || true
}
