# shellcheck shell=bash
# What the cluster changes on the host, what it was before, and how it is put back.

NODE_BRIDGE=kube0
BEFORE="$STATE/before"
RULE_MARK=alphorn-playground
NETPOL_TABLE=(inet alphorn_netpol) # as playground/netpol/rules.hpp calls it
HOSTS_MARK='# alphorn-playground'
CGROUP_LEAF=alphorn-playground-host

# Changed by us, by the kubelet (which insists on the kernel's) or by the network plug-ins.
HOST_SYSCTLS=(net/ipv4/ip_forward net/bridge/bridge-nf-call-iptables net/bridge/bridge-nf-call-ip6tables
  net/ipv4/conf/all/route_localnet fs/inotify/max_user_instances fs/inotify/max_user_watches
  vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops
  kernel/keys/root_maxkeys kernel/keys/root_maxbytes)
# Folders outside our own that programs insist on; removed again when they were not there before.
HOST_FOLDERS=(/run/containerd/s /run/containerd /var/lib/cni/results /var/lib/cni /var/lib/kubelet
  /var/log/containers /var/log/pods /opt/cni /run/netns /var/lib/containerd
  /usr/libexec/kubernetes)

cgroup_version() { if [[ $(stat -fc %T /sys/fs/cgroup) == cgroup2fs ]]; then echo 2; else echo 1; fi; }

# Remembers the host as it was. Kept until "down" has put everything back.
remember_host() {
  local name
  [[ ! -d $BEFORE ]] || return 0
  rm -rf "$BEFORE.part"
  mkdir -p "$BEFORE.part"
  for name in "${HOST_SYSCTLS[@]}"; do
    [[ ! -r /proc/sys/$name ]] || printf '%s %s\n' "$name" "$(cat "/proc/sys/$name")"
  done >"$BEFORE.part/sysctls"
  for name in "${HOST_FOLDERS[@]}"; do
    [[ -e $name ]] || printf '%s\n' "$name"
  done >"$BEFORE.part/absent-folders"
  nft list tables >"$BEFORE.part/nft-tables"
  mv -T "$BEFORE.part" "$BEFORE"
}

prepare_host() {
  local module
  for module in overlay br_netfilter nf_conntrack; do modprobe "$module" 2>/dev/null || true; done
  remember_host
  set_sysctl net/ipv4/ip_forward 1
  set_sysctl net/bridge/bridge-nf-call-iptables 1
  raise_sysctl fs/inotify/max_user_instances 1024
  raise_sysctl fs/inotify/max_user_watches 262144
  prepare_cgroups
  ip link show "$NODE_BRIDGE" >/dev/null 2>&1 || ip link add "$NODE_BRIDGE" type bridge
  ip address replace "$NODE_ADDRESS/32" dev "$NODE_BRIDGE"
  ip link set "$NODE_BRIDGE" up
  # Pods reach each other and the node, also on a host whose firewall drops by default, ...
  add_rule INPUT -i "$POD_BRIDGE" -j ACCEPT
  add_rule FORWARD -i "$POD_BRIDGE" -o "$POD_BRIDGE" -j ACCEPT
  # ... and nothing else.
  add_rule FORWARD -s "$POD_RANGE" ! -o "$POD_BRIDGE" -j REJECT
  refuse_neighbours
  # The kubelet's mounts must be seen inside containers; in many hosts the root is private.
  mkdir -p "$STATE/kubelet"
  findmnt -rn "$STATE/kubelet" >/dev/null || mount --bind "$STATE/kubelet" "$STATE/kubelet"
  mount --make-rshared "$STATE/kubelet"
}

set_sysctl() { [[ ! -e /proc/sys/$1 ]] || [[ $(cat "/proc/sys/$1") == "$2" ]] || printf '%s' "$2" >"/proc/sys/$1"; }
raise_sysctl() { (($(cat "/proc/sys/$1") >= $2)) || printf '%s' "$2" >"/proc/sys/$1"; }

add_rule() { # chain rule...
  iptables -w -C "$@" -m comment --comment "$RULE_MARK" 2>/dev/null ||
    iptables -w -I "$@" -m comment --comment "$RULE_MARK"
}

# Forwarding would make this machine a way to the cluster for everybody on its networks. The packets
# go before kube-proxy gives them another destination, and a mark that would let them pass. Loopback
# is in the list since kube-proxy's NodePorts on 127.0.0.1 let outer packets claim that address.
refuse_neighbours() {
  iptables-restore -w --noflush <<END
*mangle
:$RULE_MARK - [0:0]
-A $RULE_MARK -i lo -j RETURN
-A $RULE_MARK -i $POD_BRIDGE -j RETURN
-A $RULE_MARK -d $NODE_ADDRESS/32 -j DROP
-A $RULE_MARK -d $POD_RANGE -j DROP
-A $RULE_MARK -d $SERVICE_RANGE -j DROP
-A $RULE_MARK -d 127.0.0.0/8 -j DROP
COMMIT
END
  iptables -w -t mangle -C PREROUTING -j "$RULE_MARK" 2>/dev/null ||
    iptables -w -t mangle -I PREROUTING -j "$RULE_MARK"
}

# Under cgroup v2 a container's own root group holds processes, and such a group cannot hand
# controllers down: its processes move into a leaf first, and back again at the end.
prepare_cgroups() {
  local root=/sys/fs/cgroup wanted="+cpu +cpuset +memory +pids" pid
  [[ $(cgroup_version) == 2 ]] || return 0
  if enables_controllers; then return 0; fi
  cat "$root/cgroup.subtree_control" >"$BEFORE/subtree-control"
  if ! printf '%s' "$wanted" >"$root/cgroup.subtree_control" 2>/dev/null; then
    mkdir -p "$root/$CGROUP_LEAF"
    while read -r pid; do
      printf '%s' "$pid" >"$root/$CGROUP_LEAF/cgroup.procs" 2>/dev/null || true
    done <"$root/cgroup.procs"
    printf '%s' "$wanted" >"$root/cgroup.subtree_control"
  fi
}

enables_controllers() {
  local name
  for name in cpu cpuset memory pids; do
    grep -qw "$name" /sys/fs/cgroup/cgroup.subtree_control || return 1
  done
}

restore_cgroups() {
  local root=/sys/fs/cgroup name pid
  remove_cgroups
  [[ $(cgroup_version) == 2 && -f $BEFORE/subtree-control ]] || return 0
  for name in cpu cpuset memory pids; do
    grep -qw "$name" "$BEFORE/subtree-control" || printf -- '-%s' "$name" >"$root/cgroup.subtree_control" || true
  done
  [[ -d $root/$CGROUP_LEAF ]] || return 0
  while read -r pid; do
    printf '%s' "$pid" >"$root/cgroup.procs" 2>/dev/null || true
  done <"$root/$CGROUP_LEAF/cgroup.procs"
  rmdir "$root/$CGROUP_LEAF" || true
}

pod_cgroups() { find /sys/fs/cgroup -maxdepth 3 -type d -name kubepods 2>/dev/null; }
remove_cgroups() {
  local group
  for group in $(pod_cgroups); do
    find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done
}

# mounts_below: everything mounted for the cluster, deepest first: all of it is below our own folders
# (see netns_mounts_under_state_dir), so a containerd of the host's keeps what it has mounted.
mounts_below() {
  findmnt -rno TARGET | grep -E "^($STATE|$RUN)(/|\$)" | sort -r || true
}

# Chains called KUBE- are ours: preflight_network refuses a host that has some already.
our_rules() { # iptables-save | ip6tables-save
  "$1" 2>/dev/null | grep -E "^(:|-[A-Z]).*(KUBE-|$RULE_MARK)" || true
}

drop_rules() {
  local tool rules
  for tool in iptables ip6tables; do
    [[ -n $(our_rules "$tool-save") ]] || continue
    # Reading into a variable first: a closed pipe would end iptables-save early, unnoticed.
    rules="$("$tool-save" | grep -Ev "KUBE-|$RULE_MARK")"
    "$tool-restore" -w <<<"$rules"
  done
  drop_empty_tables
  nft delete table "${NETPOL_TABLE[@]}" 2>/dev/null || true
}

# iptables leaves its empty tables behind; those that were not there before go too.
drop_empty_tables() {
  local family name table
  [[ -f $BEFORE/nft-tables ]] || return 0
  while read -r _ family name; do
    [[ $name =~ ^(filter|nat|mangle|raw|security)$ ]] || continue
    ! grep -qx "table $family $name" "$BEFORE/nft-tables" || continue
    table="$(nft list table "$family" "$name" 2>/dev/null)"
    # Only chains and their hooks: no rule would be lost.
    grep -vqE '^(table .*|[[:space:]]*chain .*|[[:space:]]*type .* hook .*|[[:space:]]*}|}|)$' <<<"$table" ||
      nft delete table "$family" "$name"
  done < <(nft list tables)
}

pod_interfaces() {
  ip -o link show master "$POD_BRIDGE" 2>/dev/null | awk -F': ' '{ sub(/@.*/, "", $2); print $2 }' || true
}

# Puts back all that prepare_host and the cluster's programs changed.
restore_host() {
  local name target value
  while read -r target; do umount -l "$target" 2>/dev/null || true; done < <(mounts_below)
  drop_rules
  for name in $(pod_interfaces) "$POD_BRIDGE" "$NODE_BRIDGE"; do
    ip link delete "$name" 2>/dev/null || true
  done
  restore_cgroups
  set_host_names ""
  if [[ -f $BEFORE/sysctls ]]; then
    while read -r name value; do set_sysctl "$name" "$value" || true; done <"$BEFORE/sysctls"
  fi
  if [[ -f $BEFORE/absent-folders ]]; then
    while read -r name; do remove_idle_folder "$name"; done <"$BEFORE/absent-folders"
  fi
}

# Only dead sockets, locks, links and the network plug-ins' notes on pods that ended with a crash are
# swept; a folder with real content stays and is reported.
remove_idle_folder() {
  local name
  [[ -d $1 ]] || return 0
  [[ $1 != /var/lib/cni/results ]] || rm -f "$1"/{alphorn-playground,cni-loopback}-*
  find "$1" -type s 2>/dev/null | while read -r name; do
    grep -qF " $name" /proc/net/unix || rm -f "$name"
  done
  find "$1" \( -type l -o -empty -type f \) -delete 2>/dev/null || true
  find "$1" -depth -type d -empty -delete 2>/dev/null || true
}

# set_host_names NAMES: one marked line in /etc/hosts. Written in place, for it may be a bind mount, and over
# what is there: whoever looks a name up meanwhile must not find an empty file.
set_host_names() {
  local others now
  now="$(cat /etc/hosts)"
  others="$(grep -vF "$HOSTS_MARK" <<<"$now" || true)"
  [[ -z $1 ]] || others+=$'\n'"$NODE_ADDRESS $1 $HOSTS_MARK"
  [[ $others != "$now" ]] || return 0
  printf '%s\n' "$others" 1<>/etc/hosts
  truncate --size "$(printf '%s\n' "$others" | wc -c)" /etc/hosts
}

# Prints what is still there; prints nothing on a clean host.
list_leftovers() {
  local name value pid
  for pid in $(playground_processes); do printf 'process %s %s\n' "$pid" "$(readlink "/proc/$pid/exe")"; done
  mounts_below | sed 's/^/mount /'
  for name in "$POD_BRIDGE" "$NODE_BRIDGE"; do
    if ip link show "$name" >/dev/null 2>&1; then printf 'interface %s\n' "$name"; fi
  done
  { our_rules iptables-save; our_rules ip6tables-save; } | sed 's/^/firewall rule /'
  if [[ -f $BEFORE/nft-tables ]]; then
    { nft list tables | grep -vxFf "$BEFORE/nft-tables" | sed 's/^/nftables /'; } || true
  fi
  pod_cgroups | sed 's/^/cgroup /'
  [[ ! -d /sys/fs/cgroup/$CGROUP_LEAF ]] || printf 'cgroup %s\n' "$CGROUP_LEAF"
  grep -F "$HOSTS_MARK" /etc/hosts | sed 's/^/line in \/etc\/hosts: /' || true
  if [[ -f $BEFORE/sysctls ]]; then
    while read -r name value; do
      [[ $(cat "/proc/sys/$name" 2>/dev/null) == "$value" ]] || printf 'sysctl %s (was %s)\n' "$name" "$value"
    done <"$BEFORE/sysctls"
  fi
  if [[ -f $BEFORE/absent-folders ]]; then
    while read -r name; do [[ ! -e $name ]] || printf 'folder %s\n' "$name"; done <"$BEFORE/absent-folders"
  fi
}
