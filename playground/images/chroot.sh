# shellcheck shell=bash
# Root file systems: a minimal Debian, and packages installed into copies of it.

# debian_sources: the host's own Debian archives, one line "URI SUITE COMPONENT" each, so that a
# mirror that somebody configured is used here too.
debian_sources() {
  # The format is apt's own, not the shell's.
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' 'Identifier: Packages' |
    awk -v suite="$DEBIAN_SUITE" '$4 == "Debian" && $2 ~ "^" suite "(-updates|-security)?$" && $3 == "main" \
      { print $1, $2, $3 }' | sort -u
}

# Effect: the base root file system exists in the cache.
build_base() {
  local root mirror
  root="$(base_folder)"
  [[ ! -d $root ]] || return 0
  mirror="$(debian_sources | awk -v suite="$DEBIAN_SUITE" '$2 == suite { print $1; exit }')"
  [[ -n $mirror ]] ||
    fail "apt has no source for Debian $DEBIAN_SUITE main; add one to /etc/apt/sources.list.d"
  # What an interrupted run left mounted would otherwise be removed with the folder.
  discard_root "$root.part"
  debootstrap --variant=minbase "$DEBIAN_SUITE" "$root.part" "$mirror"
  [[ $(cat "$root.part/etc/debian_version") == "$DEBIAN_RELEASE" ]] ||
    notice "Debian $DEBIAN_RELEASE was replaced by $(cat "$root.part/etc/debian_version"), which is used; write it into playground/versions.sh"
  debian_sources | sed 's/^/deb /' >"$root.part/etc/apt/sources.list"
  # Package scripts must not start services, and what is never read need not be stored.
  printf '#!/bin/sh\nexit 101\n' >"$root.part/usr/sbin/policy-rc.d"
  chmod +x "$root.part/usr/sbin/policy-rc.d"
  printf 'path-exclude=/usr/share/%s/*\n' doc man locale info lintian \
    >"$root.part/etc/dpkg/dpkg.cfg.d/alphorn"
  slim "$root.part"
  mv -T "$root.part" "$root"
}

# copy_base FOLDER: effect: FOLDER is a fresh copy of the base.
copy_base() {
  discard_root "$1"
  cp -a --reflink=auto "$(base_folder)" "$1"
}

# install_into ROOT PACKAGE...: apt inside the root, with the host's apt settings and name service
# lent for the time it takes. Packages are pinned as in versions.sh.
install_into() {
  local root="$1" settings="$1/etc/apt/apt.conf.d/99host" wanted
  shift
  apt-config dump | grep -E '^Acquire::(http|https|ftp|Retries)' >"$settings" || true
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  cp /etc/hosts "$root/etc/hosts"
  if [[ -f /etc/ssl/certs/ca-certificates.crt ]]; then
    install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  fi
  local apt=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q
    -o APT::Sandbox::User=root)
  chroot "$root" "${apt[@]}" update
  wanted="$(served chroot "$root" -- "$@")"
  # shellcheck disable=SC2086 # a list
  chroot "$root" "${apt[@]}" install -y --no-install-recommends $wanted
  rm -f "$settings" "$root/etc/ssl/certs/ca-certificates.crt"
  : >"$root/etc/resolv.conf"
  printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
  slim "$root"
}

# Effect: no caches, logs, documentation or device nodes are left in the root.
slim() {
  local root="$1"
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/var/cache/debconf/*-old \
    "$root"/var/lib/dpkg/*-old "$root"/usr/share/{doc,man,locale,info,lintian}/* "$root"/tmp/* "$root"/run/* \
    "$root"/var/cache/ldconfig/aux-cache "$root"/etc/machine-id
  find "$root/dev" -mindepth 1 -delete
}

discard_root() {
  [[ -e $1 ]] || return 0
  ! findmnt -rno TARGET | grep -q "^$1/" || fail "something is mounted below $1; unmount it and run again"
  rm -rf "$1"
}
