# shellcheck shell=bash
# The configuration files of the cluster's programs, written anew at every start.

CONFIG="$STATE/config"
CONTAINERD_SOCKET="$RUN/containerd.sock"
AUDIT_LOG="$STATE/audit/audit.log"
POD_BRIDGE=cni0

write_config() {
  mkdir -p "$CONFIG/cni" "$CONFIG/certs.d/_default" "$STATE"/{audit,volumes,logs}
  write_containerd_config
  write_network_config
  write_audit_policy
  write_scheduler_config
  write_kubelet_config
  write_proxy_config
  printf 'nameserver %s\n' "$DNS_ADDRESS" >"$CONFIG/resolv.conf"
}

write_containerd_config() {
  local programs
  programs="$(runtime_folder)/usr"
  # No registry can be reached: an image that was not imported fails at once and says so.
  printf 'server = "https://127.0.0.1:1"\n' >"$CONFIG/certs.d/_default/hosts.toml"
  cat >"$CONFIG/containerd.toml" <<END
version = 2
root = '$STATE/containerd'
state = '$RUN/containerd'
disabled_plugins = ['io.containerd.snapshotter.v1.btrfs', 'io.containerd.snapshotter.v1.zfs',
  'io.containerd.snapshotter.v1.devmapper', 'io.containerd.snapshotter.v1.aufs',
  'io.containerd.tracing.processor.v1.otlp', 'io.containerd.internal.v1.tracing']
[grpc]
  address = '$CONTAINERD_SOCKET'
[plugins.'io.containerd.internal.v1.opt']
  path = '$STATE/containerd/opt'
[plugins.'io.containerd.grpc.v1.cri']
  sandbox_image = '$PAUSE_IMAGE'
  # A root without CAP_SYS_RESOURCE cannot lower a process's oom score.
  restrict_oom_score_adj = true
  # Not in /run/netns, which other container runtimes share.
  netns_mounts_under_state_dir = true
  # containerd would load a profile into the host's kernel and leave it there.
  disable_apparmor = true
  [plugins.'io.containerd.grpc.v1.cri'.containerd]
    snapshotter = 'overlayfs'
    default_runtime_name = 'runc'
    [plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.runc]
      runtime_type = 'io.containerd.runc.v2'
      [plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.runc.options]
        BinaryName = '$programs/sbin/runc'
        Root = '$RUN/runc'
        SystemdCgroup = false
  [plugins.'io.containerd.grpc.v1.cri'.cni]
    bin_dir = '$programs/lib/cni'
    conf_dir = '$CONFIG/cni'
  [plugins.'io.containerd.grpc.v1.cri'.registry]
    config_path = '$CONFIG/certs.d'
END
}

write_network_config() {
  cat >"$CONFIG/cni/10-bridge.conflist" <<END
{"cniVersion": "1.0.0", "name": "alphorn-playground", "plugins": [
  {"type": "bridge", "bridge": "$POD_BRIDGE", "isGateway": true, "ipMasq": false, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$RUN/cni", "ranges": [[{"subnet": "${POD_RANGE%.*.*}.0.0/24"}]],
            "routes": [{"dst": "0.0.0.0/0"}]}}]}
END
}

# Every write with who made it, not what was written: tests count an operator's writes here.
write_audit_policy() {
  cat >"$CONFIG/audit-policy.yaml" <<'END'
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  verbs: [create, update, patch, delete, deletecollection]
- level: None
END
}

write_scheduler_config() {
  cat >"$CONFIG/kube-scheduler.yaml" <<END
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: {leaderElect: false}
clientConnection: {kubeconfig: $CONFIG/kube-scheduler.kubeconfig}
END
}

write_kubelet_config() {
  cat >"$CONFIG/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $NODE_ADDRESS
healthzBindAddress: 127.0.0.1
readOnlyPort: 0
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: $PKI/ca-cluster.crt}
authorization: {mode: Webhook}
tlsCertFile: $PKI/kubelet-server.crt
tlsPrivateKeyFile: $PKI/kubelet-server.key
containerRuntimeEndpoint: unix://$CONTAINERD_SOCKET
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
clusterDomain: cluster.local
clusterDNS: [$DNS_ADDRESS]
resolvConf: $CONFIG/resolv.conf
podLogsDir: $STATE/pod-logs
volumePluginDir: $STATE/kubelet-plugins
seccompDefault: true
enableControllerAttachDetach: true
# An image that was collected could never be pulled again.
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%, nodefs.inodesFree: 1%}
nodeStatusUpdateFrequency: 5s
syncFrequency: 20s
shutdownGracePeriod: 0s
END
}

write_proxy_config() {
  cat >"$CONFIG/kube-proxy.yaml" <<END
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
clusterCIDR: $POD_RANGE
clientConnection: {kubeconfig: $CONFIG/kube-proxy.kubeconfig}
hostnameOverride: node1
bindAddress: 127.0.0.1
metricsBindAddress: 127.0.0.1:10249
healthzBindAddress: 127.0.0.1:10256
oomScoreAdj: 0
nodePortAddresses: [$NODE_ADDRESS/32, 127.0.0.0/8]
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
END
}
