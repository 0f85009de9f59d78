#!/usr/bin/env python3
"""The scripts that run in tenants' pods, run here with nothing but files."""

import asyncio
import importlib
import json
import os
import pathlib
import stat
import subprocess
import sys
import tempfile
import types
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parents[3] / "operator" / "manifests" / "scripts"

try:
    import yaml  # noqa: F401
except ImportError:
    yaml = None


def run(*command, **options):
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=120, check=False, **options
    )


class Scripts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, text, mode=0o644):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    def test_every_shell_script_parses(self):
        for script in SCRIPTS.glob("*.sh"):
            self.assertEqual(run("sh", "-n", script).returncode, 0, script)

    @unittest.skipIf(yaml is None, "needs python3-yaml")
    def test_render_config_puts_files_in_their_place(self):
        secret = self.write("secret", "s3cret\n")
        template = self.write(
            "template.yaml", json.dumps({"a": {"b": [{"$file": str(secret)}]}, "c": "yes", "d": {"$file": 1, "e": 2}})
        )
        result = self.folder / "result.yaml"
        self.assertEqual(run(sys.executable, SCRIPTS / "render_config.py", template, result).returncode, 0)
        self.assertEqual(
            yaml.safe_load(result.read_text()), {"a": {"b": ["s3cret"]}, "c": "yes", "d": {"$file": 1, "e": 2}}
        )
        self.assertEqual(stat.S_IMODE(os.stat(result).st_mode), 0o600)

    def test_join_files_keeps_files_apart(self):
        first, second = self.write("first", "a\n\n"), self.write("second", "b")
        result = self.folder / "result"
        self.assertEqual(run(sys.executable, SCRIPTS / "join_files.py", result, first, second).returncode, 0)
        self.assertEqual(result.read_text(), "a\nb\n")
        outcome = run(sys.executable, SCRIPTS / "join_files.py", result, self.folder / "none")
        self.assertEqual(outcome.returncode, 1)
        self.assertIn("none: No such file", outcome.stderr)

    def test_prepare_bucket_names_what_the_image_lacks(self):
        outcome = run(sys.executable, SCRIPTS / "prepare_bucket.py")
        self.assertEqual(outcome.returncode, 1)
        self.assertIn("synapse-s3-storage-provider", outcome.stderr)

    def test_prepare_bucket_joins_the_authorities(self):
        own = self.write("own.crt", "of the company")
        world = self.write("world.crt", "of the world")
        self.write("s3_storage_provider.py", "")
        self.write("certifi.py", f"def where(): return {str(world)!r}")
        result = self.folder / "result.crt"
        environment = {"PYTHONPATH": str(self.folder), "PATH": os.environ["PATH"]}
        outcome = run(sys.executable, SCRIPTS / "prepare_bucket.py", own, result, env=environment)
        self.assertEqual((outcome.returncode, outcome.stderr), (0, ""))
        self.assertTrue(result.read_text().startswith("of the company\nof the world\n"))

    @unittest.skipIf(yaml is None, "needs python3-yaml")
    def test_render_config_names_the_missing_file(self):
        template = self.write("template.yaml", json.dumps({"a": {"$file": str(self.folder / "absent")}}))
        outcome = run(sys.executable, SCRIPTS / "render_config.py", template, self.folder / "result.yaml")
        self.assertEqual(outcome.returncode, 1)
        self.assertIn("absent: No such file", outcome.stderr)
        self.assertNotIn("Traceback", outcome.stderr)

    @unittest.skipIf(yaml is None, "needs python3-yaml")
    def test_render_config_ends_with_a_sentence_when_it_cannot_read(self):
        secret = self.folder / "secret"
        secret.write_bytes(b"s3cret\xff")
        for text in ('a: "x\x7f"', json.dumps({"a": {"$file": str(secret)}})):
            template = self.write("template.yaml", text)
            outcome = run(sys.executable, SCRIPTS / "render_config.py", template, self.folder / "result.yaml")
            self.assertEqual(outcome.returncode, 1)
            self.assertIn("template.yaml or a file that it names cannot be read", outcome.stderr)
            self.assertNotIn("Traceback", outcome.stderr)
            self.assertNotIn("s3cret", outcome.stderr)

    @unittest.skipIf(yaml is None, "needs python3-yaml")
    def test_merge_yaml_lets_the_last_one_count(self):
        first = self.write("first.yaml", "a: {x: 1}\nb: 2\n")
        second = self.write("second.yaml", "a: {y: 3}\nc: 4\n")
        result = self.folder / "result.yaml"
        outcome = run(sys.executable, SCRIPTS / "merge_yaml.py", result, first, second)
        self.assertEqual((outcome.returncode, outcome.stderr), (0, ""))
        self.assertEqual(yaml.safe_load(result.read_text()), {"a": {"y": 3}, "b": 2, "c": 4})
        self.assertEqual(stat.S_IMODE(os.stat(result).st_mode), 0o600)

    @unittest.skipIf(yaml is None, "needs python3-yaml")
    def test_merge_yaml_says_what_it_cannot_read(self):
        for name, text, said in (
            ("list.yaml", "- s3cret", "holds no YAML mapping"),
            ("broken.yaml", 'a: "s3cret', "cannot be read (ScannerError)"),
        ):
            outcome = run(sys.executable, SCRIPTS / "merge_yaml.py", self.folder / "result", self.write(name, text))
            self.assertEqual(outcome.returncode, 1)
            self.assertIn(f"{name} {said}", outcome.stderr)
            self.assertNotIn("s3cret", outcome.stderr)
        outcome = run(sys.executable, SCRIPTS / "merge_yaml.py", self.folder / "result", self.folder / "absent")
        self.assertIn("absent: No such file", outcome.stderr)

    def plain_rooms(self, service, content):
        sys.path.insert(0, str(SCRIPTS))
        self.addCleanup(sys.path.remove, str(SCRIPTS))
        sys.dont_write_bytecode = True
        module = importlib.import_module("plain_rooms")
        api = types.SimpleNamespace(register_third_party_rules_callbacks=lambda **_: None)
        rooms = module.PlainRooms({"services": ["irc"], "guests": ["@hookbot:a.example"]}, api)
        requester = types.SimpleNamespace(app_service_id=service)
        asyncio.run(rooms.on_create_room(requester, content, False))
        return content

    def test_plain_rooms_are_those_of_a_bridge_and_those_it_is_invited_to(self):
        plain = {
            "visibility": "private",
            "preset": "public_chat",
            "initial_state": [{"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": "invite"}}],
        }
        self.assertEqual(self.plain_rooms("irc", {}), plain)
        guest = {"invite": ["@jo:a.example", "@hookbot:a.example"]}
        self.assertEqual(self.plain_rooms(None, dict(guest)), plain | guest)

    def test_plain_rooms_leaves_others_as_they_are(self):
        for content in ({}, {"invite": ["@jo:a.example"]}, {"invite": "@hookbot:a.example"}, {"invite": [{}]}):
            self.assertEqual(self.plain_rooms(None, dict(content)), content)
            self.assertEqual(self.plain_rooms("slack", dict(content)), content)

    def prepare(self, data):
        """Runs the database's script with stand-ins for the programs it calls."""
        self.write("postgres", "#!/bin/sh\necho 'postgres (PostgreSQL) 15.14 (Debian 15.14-1)'\n", 0o755)
        self.write(
            "initdb",
            '#!/bin/sh\nfor word in "$@"; do case "$word" in --pgdata=*) mkdir "${word#*=}"\n'
            'echo 15 >"${word#*=}/PG_VERSION" ;; esac; done\n',
            0o755,
        )
        environment = dict(os.environ, PATH=f"{self.folder}:{os.environ['PATH']}")
        return run("sh", SCRIPTS / "prepare_database.sh", data, env=environment)

    def test_prepare_database_makes_an_empty_volume_a_database(self):
        data = self.folder / "pg"
        (self.folder / "pg.new").mkdir()  # what an interrupted try leaves
        outcome = self.prepare(data)
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        self.assertTrue((data / "PG_VERSION").exists())
        self.assertFalse((self.folder / "pg.new").exists())

    def test_prepare_database_leaves_data_alone_but_closes_its_folder(self):
        data = self.folder / "pg"
        data.mkdir(mode=0o770)
        (data / "PG_VERSION").write_text("15\n")
        (data / "row").write_text("x")
        self.assertEqual(self.prepare(data).returncode, 0)
        self.assertEqual((data / "row").read_text(), "x")
        self.assertEqual(stat.S_IMODE(os.stat(data).st_mode), 0o700)

    def test_prepare_database_refuses_data_of_another_release(self):
        data = self.folder / "pg"
        data.mkdir()
        (data / "PG_VERSION").write_text("14\n")
        outcome = self.prepare(data)
        self.assertEqual(outcome.returncode, 1)
        self.assertIn("was made by PostgreSQL 14 and this image is 15", outcome.stderr)

    def test_prepare_database_refuses_a_folder_it_does_not_know(self):
        data = self.folder / "pg"
        data.mkdir()
        outcome = self.prepare(data)
        self.assertEqual(outcome.returncode, 1)
        self.assertIn("holds no PostgreSQL database", outcome.stderr)


if __name__ == "__main__":
    unittest.main()
