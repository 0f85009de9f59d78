"""Two people in a call, each with LiveKit's own SDK: one sends a tone, the other listens.

Run by support/call.py with the SDK on its path. Reads {"url", "speaker", "listener"} from standard input,
the latter two tokens; writes {"frames", "peak", "paths"}: sound that was heard, how loud, and by which ways
media went.
"""

import asyncio
import json
import sys

import numpy
from livekit import rtc

RATE = 48000
FRAME = RATE // 100
TONE = 440
ENOUGH_FRAMES = 100
PATIENCE = 120


async def send_tone(source, over):
    count = 0
    while not over.is_set():
        times = (numpy.arange(FRAME) + count * FRAME) / RATE
        samples = (numpy.sin(2 * numpy.pi * TONE * times) * 20000).astype(numpy.int16)
        await source.capture_frame(rtc.AudioFrame(samples.tobytes(), RATE, 1, FRAME))
        count += 1


async def hear(track, heard, over):
    async for event in rtc.AudioStream(track):
        samples = numpy.frombuffer(event.frame.data, dtype=numpy.int16)
        peak = int(numpy.abs(samples.astype(numpy.int32)).max())
        if peak > 1000:
            heard["frames"] += 1
            heard["peak"] = max(heard["peak"], peak)
        if heard["frames"] >= ENOUGH_FRAMES:
            over.set()
            return


async def paths_of(room):
    """[protocol, address, port] of the server's end of each pair that media take."""
    stats = await room.get_rtc_stats()
    found = []
    for one in list(stats.publisher_stats) + list(stats.subscriber_stats):
        if one.WhichOneof("stats") == "remote_candidate":
            candidate = one.remote_candidate.candidate
            found.append([candidate.protocol, candidate.address, candidate.port])
    return found


async def call(job):
    over, heard = asyncio.Event(), {"frames": 0, "peak": 0}
    tasks = []
    speaker, listener = rtc.Room(), rtc.Room()
    listener.on("track_subscribed",
                lambda track, *_: tasks.append(asyncio.create_task(hear(track, heard, over))))
    await listener.connect(job["url"], job["listener"])
    await speaker.connect(job["url"], job["speaker"])
    source = rtc.AudioSource(RATE, 1)
    track = rtc.LocalAudioTrack.create_audio_track("tone", source)
    await speaker.local_participant.publish_track(
        track, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE))
    tasks.append(asyncio.create_task(send_tone(source, over)))
    try:
        await asyncio.wait_for(over.wait(), PATIENCE)
    except asyncio.TimeoutError:
        over.set()
    heard["paths"] = await paths_of(speaker)
    await speaker.disconnect()
    await listener.disconnect()
    return heard


json.dump(asyncio.run(call(json.load(sys.stdin))), sys.stdout)
