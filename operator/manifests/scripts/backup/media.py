"""The folder of uploaded files: what of it is kept, and whether what the database names is there."""

import contextlib
import hashlib
import os
import pathlib

from outcome import Failure, log

# All else in the folder can be had again from where it came from.
KEPT = ("local_content", "local_thumbnails")
MARK = ".alphorn-restore"
ROWS = 1000
FIRST_FEW = 3
MOST_NAMED = 1000
# Pages that a link was looked up at are no uploads.
UPLOADS = "SELECT media_id FROM local_media_repository WHERE url_cache IS NULL"
HAS_HASHES = """
SELECT count(*) FROM information_schema.columns WHERE table_name = 'local_media_repository' AND column_name = 'sha256'
"""


def path_of(media_id):
    return f"local_content/{media_id[:2]}/{media_id[2:4]}/{media_id[4:]}"


def list_uploads(cursor, file):
    """Effect: the ids of all uploads that this session sees stand in the file, one a line."""
    cursor.itersize = ROWS
    cursor.execute(UPLOADS)
    while rows := cursor.fetchmany(ROWS):
        file.write("".join(f"{row[0]}\n" for row in rows))
    file.flush()


def missing(folder, listed):
    """(how many uploads have no file, the first of them)."""
    count, named = 0, []
    listed.seek(0)
    for line in listed:
        media_id = line.rstrip("\n")
        if not os.path.isfile(os.path.join(folder, path_of(media_id))):
            count += 1
            if len(named) < MOST_NAMED:
                named.append(media_id)
    return count, named


def store(repository, folder, tags, host):
    """The summary of restic, or None when there are no files yet."""
    if not os.path.isdir(folder):
        raise Failure("MediaUnreadable", f"there is no folder {folder}: check the volume of uploaded files", True)
    present = [name for name in KEPT if os.path.isdir(os.path.join(folder, name))]
    if not present:
        return None
    # Relative, so that a set can be put anywhere.
    summary, unread = repository.backup(present, tags, host, cwd=folder)
    broken = [(path, why) for path, why in unread if "no such file" not in why and "does not exist" not in why]
    if broken:
        with contextlib.suppress(Failure):
            repository.call("forget", summary["snapshot"], patient=False)
        path, why = broken[0]
        raise Failure("MediaUnreadable", f"{len(broken)} files cannot be read, first {path}: {why[:200]}")
    if unread:
        log("files went away meanwhile", count=len(unread))
    return summary


def prepare(folder, restored):
    """Raises unless the folder is empty, or was left by this same restore. """
    if not os.path.isdir(folder):
        raise Failure("TargetNotEmpty", f"there is no folder {folder} to put files in: check its volume", True)
    there = set(os.listdir(folder)) - {"lost+found"}
    mark = pathlib.Path(folder, MARK)
    if MARK in there:
        said = mark.read_text(encoding="utf-8").strip()
        # A mark that was cut short is of a restore that had put nothing here yet.
        if said == restored or (not said and there == {MARK}):
            return
    if there:
        first = sorted(there)[0]
        raise Failure("TargetNotEmpty", f"{folder} is not empty (it holds {first}): give an empty volume", True)


def mark(folder, restored):
    path = pathlib.Path(folder, MARK)
    part = pathlib.Path(folder, MARK + ".part")
    part.write_text(restored + "\n", encoding="utf-8")
    part.replace(path)


def fill(repository, folder, snapshot):
    try:
        repository.call("restore", snapshot, "--target", folder)
    except Failure as failure:
        if failure.reason == "RepositoryFull":
            raise Failure("NoSpace", f"the volume of uploads has no room: make it larger ({failure})", True) from None
        raise


def unmark(folder):
    pathlib.Path(folder, MARK).unlink(missing_ok=True)


def _fault(folder, media_id, length, digest):
    """What is wrong with an upload, or None."""
    path = os.path.join(folder, path_of(media_id))
    try:
        size = os.path.getsize(path)
    except OSError:
        return "is missing"
    if length is not None and size != length:
        return f"has {size} bytes, not {length}"
    if digest:
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != digest:
            return "has another content"
    return None


def some_uploads(cursor, sample, served=False):
    """(id, length, SHA-256 or None) of so many uploads at random, of all without a number. `served`: only those
    that the homeserver hands out."""
    cursor.execute(HAS_HASHES)
    digest = "sha256" if cursor.fetchone()[0] else "NULL"
    query = f"SELECT media_id, media_length, {digest} FROM local_media_repository WHERE url_cache IS NULL"
    if served:
        query += " AND quarantined_by IS NULL AND media_length IS NOT NULL"
    if sample:
        query += f" ORDER BY random() LIMIT {int(sample)}"
    cursor.execute(query)
    while rows := cursor.fetchmany(ROWS):
        yield from rows


def verify(cursor, folder, sample, absent):
    """How many uploads were compared with what the database says of them. `sample`: so many at random, all
    without. `absent`: those that had no file when the set was made."""
    checked, faults = 0, []
    for media_id, length, expected in some_uploads(cursor, sample):
        if media_id in absent:
            continue
        checked += 1
        fault = _fault(folder, media_id, length, expected)
        if fault:
            faults.append(f"{media_id} {fault}")
    if faults:
        first = "; ".join(faults[:FIRST_FEW])
        raise Failure("MediaDiffers", f"{len(faults)} of {checked} files differ: {first}: take another set", True)
    return checked
