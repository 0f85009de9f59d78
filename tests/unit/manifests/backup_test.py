#!/usr/bin/env python3
"""What the backup programs make of restic's words and of what a repository holds, without either."""

import json
import pathlib
import sys
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parents[3] / "operator" / "manifests" / "scripts" / "backup"
sys.dont_write_bytecode = True
sys.path.insert(0, str(SCRIPTS))

import outcome  # noqa: E402  (the path is known only now)
import repository  # noqa: E402


def snapshot(name, time, *tags):
    return repository.Snapshot({"id": name, "time": time, "hostname": "acme.example", "tags": list(tags)})


class Words(unittest.TestCase):
    def test_complaints_of_restic_have_a_reason_and_a_remedy(self):
        for said, reason, futile in (
            ("Fatal: wrong password or no key found", "RepositoryWrongPassword", True),
            ("Fatal: unable to create lock in backend: repository is already locked by PID 7", "RepositoryLocked",
             False),
            ("Save(<data/1>) returned error, retrying after 1s: Put \"https://x/\": dial tcp 10.0.0.1:443: connect: "
             "connection refused", "RepositoryUnreachable", False),
            ("client.PutObject: Access Denied.", "RepositoryRefused", True),
            ("Fatal: ciphertext verification failed", "RepositoryDamaged", True),
            ("Save(<data/1>) failed: write /r/data/1: no space left on device", "RepositoryFull", False),
            ("something that nobody foresaw", "Failed", False),
            ("", "Failed", False),
        ):
            failure = repository.failure_of(said)
            self.assertEqual((failure.reason, failure.futile), (reason, futile), said)
            self.assertGreater(len(str(failure)), 20)

    def test_no_repository_is_no_damaged_one(self):
        for said in (
            "Fatal: unable to open config file: stat /r/config: no such file or directory\n"
            "Is there a repository at the following location?\n/r",
            "Fatal: unable to open config file: Stat: The specified key does not exist.",
        ):
            self.assertTrue(repository.NONE_YET.search(said))
        self.assertFalse(repository.NONE_YET.search("Fatal: unable to open config file: Stat: dial tcp: refused"))

    def test_last_words_fit_their_file(self):
        words = {"result": "done", "sets": [f"20261127T0200{index:02}Z-acme" for index in range(100)] * 3, "error": "x"}
        text = outcome._short(words)
        self.assertLessEqual(len(text.encode()), outcome.LONGEST)
        kept = json.loads(text)["sets"]
        self.assertEqual(kept[0], "20261127T020000Z-acme")
        self.assertGreater(len(kept), 30)
        self.assertLessEqual(len(outcome._short({"error": "é" * 9000}).encode()), outcome.LONGEST)


class Sets(unittest.TestCase):
    def test_only_what_has_a_manifest_is_a_set(self):
        sets = repository.Sets([
            snapshot("a", "2026-11-27T02:00:00.123456789+01:00", "set=one", "part=media"),
            snapshot("b", "2026-11-27T02:01:00Z", "set=one", "part=manifest", "owner=me"),
            snapshot("c", "2026-11-28T02:00:00Z", "set=two", "part=media"),
            snapshot("u", "2026-11-28T03:00:00Z", "upkeep=1", "pruned=2026-11-28T03:00:00Z"),
        ])
        self.assertEqual(sets.newest_first(), ["one"])
        self.assertEqual(sets.find("latest").id, "b")
        self.assertEqual(sets.latest().value_of("owner"), "me")
        self.assertEqual((sets.last("pruned"), sets.last("checked")), ("2026-11-28T03:00:00Z", None))
        for name, reason in (("two", "SetIncomplete"), ("three", "SetMissing")):
            with self.assertRaises(outcome.Failure) as caught:
                sets.find(name)
            self.assertEqual(caught.exception.reason, reason)

    def test_of_two_manifests_the_older_counts(self):
        first = snapshot("z", "2026-11-27T02:00:00Z", "set=one", "part=manifest")
        second = snapshot("a", "2026-11-27T02:00:01Z", "set=one", "part=manifest")
        for order in ([first, second], [second, first]):
            sets = repository.Sets(order)
            self.assertEqual((sets.committed["one"].id, [entry.id for entry in sets.surplus]), ("z", ["a"]))


if __name__ == "__main__":
    unittest.main()
