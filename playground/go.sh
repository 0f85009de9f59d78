# shellcheck shell=bash
# The Go toolchain: the host's own when it is new enough, else Go's own toolchain module, fetched by
# Debian's older Go, which is unpacked into the cache for that one purpose.

GO_HOME="$CACHE/go/$GO_VERSION"

# use_go: effect: "go" on the PATH is at least Go's pinned minor version, and keeps its caches in ours.
use_go() {
  local found
  export GOPATH="$CACHE/go/path" GOCACHE="$CACHE/go/build" GOTOOLCHAIN=local GOFLAGS=-modcacherw
  if [[ -x $GO_HOME/bin/go ]]; then
    export PATH="$GO_HOME/bin:$PATH" GOROOT="$GO_HOME"
    return
  fi
  found="$(go env GOVERSION 2>/dev/null || true)"
  if [[ -n $found ]] && printf '%s\n' "go$GO_VERSION" "$found" | sort -V -C; then return; fi
  install_go
  export PATH="$GO_HOME/bin:$PATH" GOROOT="$GO_HOME"
}

install_go() {
  local work="$CACHE/go/debian" old module="golang.org/toolchain@v0.0.1-go$GO_VERSION.linux-amd64"
  rm -rf "$work"
  fetch_debian "$work" golang-1.19-go golang-1.19-src
  old="$work/usr/lib/go-1.19"
  (cd "$work" && env -u GOTOOLCHAIN GOROOT="$old" "$old/bin/go" mod download "$module") ||
    fail "the Go toolchain $GO_VERSION could not be had as a Go module; is GOPROXY reachable?"
  cp -r "$GOPATH/pkg/mod/$module" "$GO_HOME.part"
  # A module archive carries no executable bits.
  chmod +x "$GO_HOME.part"/bin/* "$GO_HOME.part"/pkg/tool/*/*
  mv -T "$GO_HOME.part" "$GO_HOME"
  rm -rf "$work"
}

