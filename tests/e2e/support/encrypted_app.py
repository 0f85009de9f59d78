"""The app of one person, in a process of its own: matrix-nio brings newer libraries than Debian's pytest has.

It is spoken to in lines of JSON, of which the first says who logs in where; each is answered by one."""

import asyncio
import contextlib
import json
import logging
import ssl
import sys
import tempfile

import aiohttp
import nio

PATIENCE = 240
MEGOLM = {"type": "m.room.encryption", "state_key": "",
          "content": {"algorithm": "m.megolm.v1.aes-sha2"}}


class Refused(Exception):
    """The server said no."""


def expect(answer, kind):
    if not isinstance(answer, kind):
        raise Refused(str(answer))
    return answer


class App:
    def __init__(self, folder, address, caFile, user):
        trust = ssl.create_default_context(cafile=caFile) if caFile else None
        config = nio.AsyncClientConfig(encryption_enabled=True, store_sync_tokens=True,
                                       max_limit_exceeded=4, max_timeouts=1)
        self._client = nio.AsyncClient(address.rstrip("/"), user, config=config, ssl=trust,
                                       store_path=folder)
        self._heard, self._unread = [], []
        self._client.add_event_callback(self._hear, (nio.RoomMessageText, nio.RoomMessageNotice))
        self._client.add_event_callback(self._keep, nio.MegolmEvent)

    async def _hear(self, room, event):
        self._heard.append({"room": room.room_id, "sender": event.sender, "text": event.body,
                            "encrypted": event.decrypted})

    async def _keep(self, _, event):
        self._unread.append(event)

    async def log_in(self, password):
        expect(await self._client.login(password, device_name="Alphorn's stories"),
               nio.LoginResponse)
        await self.look()

    async def look(self, wait=0):
        """One sync, and what an app owes the server and other devices after it. Answers with what it has
        heard since it started; what it could not read waits for its key."""
        client = self._client
        expect(await client.sync(timeout=wait), nio.SyncResponse)
        await client.send_to_device_messages()
        if client.should_upload_keys:
            await client.keys_upload()
        if client.should_query_keys:
            await client.keys_query()
        if client.should_claim_keys:
            await client.keys_claim(client.get_users_for_key_claiming())
        for event in self._unread[:]:
            with contextlib.suppress(nio.EncryptionError):
                read = client.decrypt_event(event)
                self._unread.remove(event)
                await self._hear(client.rooms[event.room_id], read)
        unread = [{"room": event.room_id, "sender": event.sender} for event in self._unread]
        return {"heard": self._heard, "unread": unread}

    async def invite(self, other):
        made = await self._client.room_create(
            is_direct=True, invite=[other], initial_state=[MEGOLM],
            preset=nio.RoomPreset.trusted_private_chat)
        return expect(made, nio.RoomCreateResponse).room_id

    async def accept(self, room):
        return expect(await self._client.join(room), nio.JoinResponse).room_id

    async def invitations(self):
        return list(self._client.invited_rooms)

    async def members(self, room):
        """Who is in it; nobody before the app has seen that it is encrypted."""
        found = self._client.rooms.get(room)
        if not found or not found.encrypted:
            return []
        return sorted(set(found.users) - set(found.invited_users))

    async def say(self, room, text):
        """For every device in the room, whoever vouches for it."""
        if not self._client.rooms[room].encrypted:
            raise Refused(f"{room} is not encrypted")
        answer = await self._client.room_send(
            room, "m.room.message", {"msgtype": "m.text", "body": text},
            ignore_unverified_devices=True)
        return expect(answer, nio.RoomSendResponse).event_id

    async def close(self):
        await self._client.close()


async def answer(app, asked):
    try:
        work = getattr(app, asked.pop("do"))(**asked)
        return {"result": await asyncio.wait_for(work, PATIENCE)}
    except (Refused, aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
        return {"failed": f"{type(error).__name__}: {error}"}


async def main():
    # A server that restarts would fill the report of a story.
    logging.getLogger("nio").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="alphorn-keys-") as folder:
        app = App(folder, **json.loads(sys.stdin.readline()))
        try:
            while line := await asyncio.to_thread(sys.stdin.readline):
                print(json.dumps(await answer(app, json.loads(line))), flush=True)
        finally:
            await app.close()


if __name__ == "__main__":
    asyncio.run(main())
