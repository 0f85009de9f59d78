# shellcheck shell=bash
# The Debian packages that each kind of work needs, in one place; installed only when missing.
declare -A PACKAGES=(
  [cluster]="ca-certificates curl iproute2 iptables nftables conntrack openssl jq kmod procps libseccomp2"
  [images]="age debootstrap fonts-dejavu-core gcc libc6-dev libpq-dev python3 python3-dev python3-pip"
  [cpp]="g++ make ninja-build cmake ccache libcurl4-openssl-dev libpq-dev nlohmann-json3-dev libyaml-cpp-dev libssl-dev
         libspdlog-dev libcli11-dev prometheus-cpp-dev libgtest-dev libgmock-dev libbenchmark-dev libcivetweb-dev
         libmimalloc-dev libsimdjson-dev libzstd-dev libarchive-dev libcairo2-dev libicu-dev libqrencode-dev
         pkg-config"
  [tests]="age fonts-dejavu-core microsocks openssl poppler-utils python3-jsonschema python3-pytest python3-requests
         python3-yaml tinyproxy-bin"
  [browser]="chromium chromium-driver fonts-dejavu-core libnss3-tools"
  [fuzz]="clang libclang-rt-14-dev"
  [lint]="clang-format clang-tidy shellcheck"
)

# served COMMAND... -- PACKAGE[=VERSION]...: prints the packages as apt can install them: a version
# that is served no longer is left out, with a notice. COMMAND runs apt-cache somewhere else.
served() {
  local where=() package
  while [[ $1 != -- ]]; do where+=("$1"); shift; done
  shift
  for package in "$@"; do
    if [[ $package != *=* ]] || "${where[@]}" apt-cache madison "${package%%=*}" |
      awk -v wanted="${package#*=}" '$3 == wanted { found = 1 } END { exit !found }'; then
      printf '%s\n' "$package"
    else
      notice "Debian no longer serves $package; the newest is used; write its version into playground/versions.sh" >&2
      printf '%s\n' "${package%%=*}"
    fi
  done
}

# fetch_debian FOLDER PACKAGE[=VERSION]...: effect: the packages are unpacked there, not installed.
fetch_debian() {
  local folder="$1" archive wanted
  shift
  mkdir -p "$folder"
  wanted="$(served -- "$@" 2>/dev/null)"
  # What apt knows may be old, or nothing yet.
  [[ $wanted == "$(printf '%s\n' "$@")" ]] || apt-get -q update
  wanted="$(served -- "$@")"
  (
    cd "$folder"
    # shellcheck disable=SC2086 # a list
    apt-get -q -o APT::Sandbox::User=root download $wanted ||
      { apt-get -q update && apt-get -q -o APT::Sandbox::User=root download $wanted; } ||
      fail "apt-get could not download: ${wanted//$'\n'/ }"
    for archive in *.deb; do dpkg-deb -x "$archive" . && rm "$archive"; done
  )
}

# unpack_debian FOLDER PACKAGE[=VERSION]...: the same, once: a half-made folder is never mistaken for it.
unpack_debian() {
  local folder="$1"
  shift
  [[ ! -d $folder ]] || return 0
  rm -rf "$folder.part"
  fetch_debian "$folder.part" "$@"
  mv -T "$folder.part" "$folder"
}

missing_packages() {
  local kind package
  for kind in "$@"; do
    for package in ${PACKAGES[$kind]}; do
      dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
        printf '%s\n' "$package"
    done
  done | sort -u
}

# ensure_packages KIND...: effect: every package of those kinds is installed.
ensure_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  ((EUID == 0)) || fail "packages are missing (${missing[*]}); install them or run this as root"
  printf 'installing: %s\n' "${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q
  apt-get install -q -y --no-install-recommends "${missing[@]}" ||
    fail "apt-get could not install: ${missing[*]}; look at its messages and repair apt first"
}
