# shellcheck shell=bash
# Says what is missing before anything is begun: every problem a line, every line with its remedy.

PROBLEMS=()
problem() { PROBLEMS+=("$*"); }

# preflight NEEDED_GB: with plain bash and coreutils, for a machine that has nothing else yet.
preflight() {
  ((EUID == 0)) || problem "not root: the cluster needs mounts, interfaces and cgroups; run it with sudo"
  [[ $(uname -m) == x86_64 ]] || problem "this is $(uname -m): images and programs are built for x86_64 only"
  grep -qs 'VERSION_CODENAME=bookworm' /etc/os-release ||
    problem "not Debian 12 (bookworm): packages and the images' Python come from there; use such a machine or container"
  check_disk "$1"
  check_memory
  check_kernel
  if ! playground_started; then check_free; fi
  ((${#PROBLEMS[@]} == 0)) || { printf 'alphorn: %s\n' "${PROBLEMS[@]}" >&2; exit 1; }
}

# Compiling Kubernetes takes most of it, and once it is compiled no more of it is needed.
needed_gigabytes() { if [[ -x $(hyperkube_folder)/hyperkube ]]; then echo 3; else echo 15; fi; }

playground_started() { [[ -n $(running kube-apiserver || true) ]]; }

check_disk() {
  local folder kind free
  for folder in "$CACHE" "$STATE"; do
    while [[ ! -d $folder ]]; do folder="$(dirname "$folder")"; done
    free=$(($(stat -fc '%a * %S' "$folder") / 1000000000))
    ((free >= $1)) || problem "$folder has $free GB free, $1 GB are needed; make room, or set XDG_CACHE_HOME and ALPHORN_STATE to a larger disk"
  done
  kind="$(stat -fc %T "$folder")"
  [[ $kind != overlayfs ]] ||
    problem "$STATE is on overlayfs, which cannot hold containers; mount a volume there, or set ALPHORN_STATE to a real disk"
}

check_memory() {
  local megabytes
  megabytes="$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)"
  ((megabytes >= 5500)) || problem "$megabytes MB of memory; compiling Kubernetes and running a tenant need 6 GB"
}

check_kernel() {
  local bits controller
  bits="0x$(awk '/^CapEff/ { print $2 }' /proc/self/status)"
  # Bits 12 and 21 of the kernel's capability set.
  (((bits >> 12 & 1) && (bits >> 21 & 1))) ||
    problem "root here lacks CAP_NET_ADMIN or CAP_SYS_ADMIN; in a container host start it privileged"
  grep -qw overlay /proc/filesystems || modprobe overlay 2>/dev/null || true
  grep -qw overlay /proc/filesystems || problem "the kernel has no overlay file system; load the module overlay"
  if [[ $(cgroup_version) == 2 ]]; then
    for controller in cpu cpuset memory pids; do
      grep -qw "$controller" /sys/fs/cgroup/cgroup.controllers ||
        problem "cgroup v2 offers no $controller controller here; give this machine or container a delegated cgroup"
    done
    [[ -w /sys/fs/cgroup/cgroup.subtree_control ]] ||
      problem "/sys/fs/cgroup is read-only; in a container host start it privileged"
  else
    for controller in cpu cpuset memory pids devices freezer; do
      [[ -d /sys/fs/cgroup/$controller && -w /sys/fs/cgroup/$controller ]] ||
        problem "the cgroup v1 controller $controller is not mounted writable below /sys/fs/cgroup; mount it"
    done
  fi
}

# What another program, or another Kubernetes, already holds.
check_free() {
  local port used name
  used="$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '$4 == "0A" { sub(/.*:/, "", $2); print $2 }' | sort -u)"
  for port in 2379 2380 6443 10248 10249 10250 10256 10257 10259 30443; do
    ! grep -qix "$(printf '%04X' "$port")" <<<"$used" ||
      problem "port $port is taken by another program; stop it (find it with: ss -ltnp 'sport = :$port')"
  done
  if [[ ! -d $BEFORE ]]; then
    [[ -z $(pod_cgroups) ]] || problem "another Kubernetes runs on this machine (cgroup $(pod_cgroups | head -n 1)); use another machine"
    for name in "$POD_BRIDGE" "$NODE_BRIDGE"; do
      [[ ! -e /sys/class/net/$name ]] ||
        problem "there is an interface $name already, a name that the playground uses; remove it (ip link delete $name) or use another machine"
    done
  fi
}

# preflight_network: what can only be tried once the tools are installed.
preflight_network() {
  local name=alphorn-try
  modprobe br_netfilter 2>/dev/null || true
  ip link add "$name" type bridge 2>/dev/null ||
    fail "the kernel cannot make a bridge; load the module bridge, or allow it to this container"
  ip link delete "$name"
  nft list tables >/dev/null 2>&1 ||
    fail "nftables does not work here; load the module nf_tables, or allow it to this container"
  [[ -d $BEFORE || -z $(our_rules iptables-save) ]] ||
    fail "another Kubernetes has chains KUBE-... in this machine's firewall (iptables-save shows them); remove them, restart the machine, or use another"
  iptables -w -L FORWARD -n >/dev/null 2>&1 || fail "iptables does not work here: $(iptables -L -n 2>&1 | tail -n 1)"
  [[ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]] ||
    fail "the kernel does not filter bridged traffic, so services would not work; load the module br_netfilter"
}
