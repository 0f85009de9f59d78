#!/usr/bin/env python3
"""What ./dev says before it begins, on machines that lack something. The functions are the real
ones, the machine is pretended: by shell functions that stand before its programs."""

import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
PARTS = "lib packages go programs images certificates config host cluster tenants preflight up"
NOBODY = 65534

# A machine that lacks nothing, whatever this one is.
MACHINE = """
BLOCKS=100000000 FILE_SYSTEM=ext2/ext3 LISTENING=
stat() { case "$*" in *%a*) printf '%s * 4096' "$BLOCKS" ;; *) printf '%s' "$FILE_SYSTEM" ;; esac; }
uname() { printf 'x86_64\\n'; }
cat() { case "$*" in */proc/net/tcp*) printf '%s\\n' "$LISTENING" ;; *) command cat "$@" ;; esac; }
check_memory() { :; }
check_kernel() { :; }
pod_cgroups() { :; }
playground_started() { false; }
grep() { case "$*" in *os-release) return 0 ;; *) command grep "$@" ;; esac; }
POD_BRIDGE=none0 NODE_BRIDGE=none1
"""


class Preflight(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def run_with(self, pretence, call="preflight 12", **options):
        program = (f'cd "{ROOT}"\nset -euo pipefail\n'
                   f'for part in {PARTS}; do source "playground/$part.sh"; done\n'
                   f"{MACHINE}{pretence}\n{call}\n")
        environment = {**os.environ, "XDG_CACHE_HOME": self.folder,
                       "ALPHORN_STATE": self.folder + "/state"}
        return subprocess.run(["bash", "-c", program], capture_output=True, text=True, timeout=120,
                              check=False, env=environment, **options)

    def assert_refused(self, done, *words):
        self.assertNotEqual(done.returncode, 0, done.stdout)
        for word in words:
            self.assertIn(word, done.stderr)
        for line in done.stderr.splitlines():
            self.assertTrue(line.startswith("alphorn: "), f"not a sentence of ours: {line}")

    def test_a_machine_that_lacks_nothing_is_taken(self):
        done = self.run_with("", call="PROBLEMS=(); check_disk 12; check_free; "
                                      'printf "%s\\n" "${#PROBLEMS[@]}"')
        self.assertEqual((done.stdout, done.returncode), ("0\n", 0), done.stderr)

    def test_a_full_disk_is_named_with_what_is_needed(self):
        done = self.run_with("BLOCKS=1000000")
        self.assert_refused(done, "has 4 GB free, 12 GB are needed", "XDG_CACHE_HOME")

    def test_an_overlay_cannot_hold_containers(self):
        done = self.run_with("FILE_SYSTEM=overlayfs")
        self.assert_refused(done, "is on overlayfs", "ALPHORN_STATE")

    def test_a_port_that_is_taken_is_named(self):
        # Lines of /proc/net/tcp: 0A is a listener, 01 a connection; the addresses are hexadecimal.
        listening = ("  0: 0100007F:192B 00000000:0000 0A\n"
                     "  1: 0100007F:094B 00000000:0000 01")
        done = self.run_with(f"LISTENING='{listening}'")
        self.assert_refused(done, "port 6443 is taken", "ss -ltnp 'sport = :6443'")
        self.assertNotIn("2379", done.stderr)

    def test_another_kubernetes_is_named(self):
        done = self.run_with("pod_cgroups() { printf '/sys/fs/cgroup/kubepods\\n'; }")
        self.assert_refused(done, "another Kubernetes runs on this machine", "/kubepods")

    def test_an_interface_of_our_name_is_not_taken_over(self):
        done = self.run_with("NODE_BRIDGE=lo")
        self.assert_refused(done, "there is an interface lo already")

    def test_another_architecture_is_named(self):
        done = self.run_with("uname() { printf 'aarch64\\n'; }")
        self.assert_refused(done, "this is aarch64", "x86_64")

    def test_everything_missing_is_said_at_once(self):
        done = self.run_with("uname() { printf 'aarch64\\n'; }\n"
                             "pod_cgroups() { printf '/sys/fs/cgroup/kubepods\\n'; }")
        self.assert_refused(done, "aarch64", "another Kubernetes")

    def test_it_needs_root(self):
        options = {}
        if os.geteuid() == 0:
            options = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            os.chmod(self.folder, 0o777)
        try:
            done = self.run_with("", **options)
        except PermissionError:
            self.skipTest("the checkout cannot be entered without root")
        if "playground/lib.sh" in done.stderr:
            self.skipTest("the checkout cannot be read without root")
        self.assert_refused(done, "not root", "sudo")


class Pins(unittest.TestCase):
    """A version that Debian serves no longer is not the end."""

    def served(self, *packages):
        program = (f'cd "{ROOT}"; set -euo pipefail\n'
                   "for part in lib packages; do source \"playground/$part.sh\"; done\n"
                   "apt-cache() { printf ' %s | 2.0 | https://mirror bookworm/main\\n' \"$2\"; }\n"
                   f"served -- {' '.join(packages)}")
        return subprocess.run(["bash", "-c", program], capture_output=True, text=True, timeout=120,
                              check=False)

    def test_what_is_served_stays_pinned(self):
        done = self.served("runc=2.0", "curl")
        self.assertEqual((done.stdout, done.stderr), ("runc=2.0\ncurl\n", ""))

    def test_what_is_gone_is_replaced_with_a_notice(self):
        done = self.served("runc=1.0")
        self.assertEqual(done.stdout, "runc\n")
        self.assertIn("notice: Debian no longer serves runc=1.0", done.stderr)


if __name__ == "__main__":
    unittest.main()
