# shellcheck shell=bash
# The Debian packages that each kind of work needs, in one place; installed only when missing.
declare -A PACKAGES=(
  [cluster]="ca-certificates iproute2 iptables nftables conntrack openssl jq kmod procps libseccomp2"
  [images]="debootstrap gcc libc6-dev libpq-dev python3 python3-dev python3-pip"
  [cpp]="g++ make ninja-build cmake ccache libcpprest-dev nlohmann-json3-dev libyaml-cpp-dev libssl-dev
         libspdlog-dev libcli11-dev prometheus-cpp-dev libgtest-dev libgmock-dev libbenchmark-dev libcivetweb-dev"
  [tests]="python3-pytest python3-requests python3-yaml openssl"
  [lint]="clang-format clang-tidy shellcheck"
)

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
