"""A database whose disk is full says so; given a larger one, it goes on with all it had."""

import errno
import pathlib
import subprocess
import tempfile

import pytest

from support import kubectl as k
from support.company import RUN
from support.postgres import psql
from support.waiting import Stopwatch, figure, wait_until

UNTIL_SAID = 120
VOLUMES = pathlib.Path("/var/lib/alphorn-playground/volumes")
CLASS = f"e2e-small-{RUN}"
SMALL, LARGE = "160m", "400m"


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


@pytest.fixture(scope="module")
def disk():
    """A file system of its own, of a size that really ends, as the only volume of a class."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="e2e-disk-", dir=VOLUMES))
    mount("-t", "tmpfs", "-o", f"size={SMALL}", "alphorn-playground-disk", str(folder))
    node, = (k.name_of(node) for node in k.listed("nodes"))
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    k.create({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
              "metadata": {"name": CLASS}, "provisioner": "kubernetes.io/no-provisioner",
              "volumeBindingMode": "WaitForFirstConsumer"})
    k.create({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": CLASS},
              "spec": {"storageClassName": CLASS, "capacity": {"storage": "1Gi"},
                       "accessModes": ["ReadWriteOnce"], "local": {"path": str(folder)},
                       "persistentVolumeReclaimPolicy": "Retain",
                       "nodeAffinity": {"required": {"nodeSelectorTerms": [
                           {"matchExpressions": [here]}]}}}})
    yield folder
    k.delete("persistentvolume", CLASS)
    k.delete("storageclass", CLASS)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
    folder.rmdir()


@pytest.fixture(scope="module")
def hotel(disk, offices):
    company = offices.company("hotel")
    company.found(database={"mode": "builtin", "size": "1Gi", "storageClassName": CLASS})
    company.wait_ready()
    return company


def fill(path):
    """Takes what is left: a piece at a time, as Postgres takes some of it meanwhile."""
    with path.open("wb", buffering=0) as filler, pytest.raises(OSError) as ended:
        while True:
            filler.write(bytes(65536))
    assert ended.value.errno == errno.ENOSPC


def test_a_full_disk_is_named(hotel, disk):
    pod = f"{hotel.name}-database-0"
    psql(hotel.namespace, pod, "CREATE TABLE kept AS SELECT 'before' AS word")
    fill(disk / "filler")
    watch = Stopwatch()

    def it_stops():
        """Postgres goes on for as long as it need not begin another file of its log."""
        with pytest.raises(k.CommandFailed):
            psql(hotel.namespace, pod,
                 "SELECT pg_logical_emit_message(true, 'e2e', repeat('x', 1000000));" * 8)
    wait_until("Postgres ends", it_stops, UNTIL_SAID)
    hotel.wait_for("DatabaseReady", "False", "DiskFull", pod, UNTIL_SAID)
    figure("a full disk told", f"{watch.seconds:.0f} s")
    hotel.expect("Ready", "False", "DatabaseNotReady", pod)
    hotel.wait_for_event("DatabaseNotReady", "volume of it is full")


def test_and_on_a_larger_one_it_goes_on_alone(hotel, disk):
    watch = Stopwatch()
    mount("-o", f"remount,size={LARGE}", str(disk))
    hotel.wait_ready()
    figure("Ready after the disk was enlarged", f"{watch.seconds:.0f} s")
    kept = psql(hotel.namespace, f"{hotel.name}-database-0", "SELECT word FROM kept")
    assert kept.strip() == "before", f"after the disk was full the table holds {kept!r}"
