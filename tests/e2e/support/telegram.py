"""mautrix-telegram in Python: a real application service that the operator knows nothing of.

It starts, and its bot answers, without ever reaching Telegram: it connects when somebody logs in. It comes
without encryption, which needs libolm: a chat with it must not be encrypted by default."""

import secrets

IMAGE = "localhost/alphorn/mautrix-telegram:0.15.3"
PORT = 29317
BOT = "telegrambot"
PROBES = {"live": "/_matrix/mau/live", "ready": "/_matrix/mau/ready"}
HELP = "Log in by scanning a QR code"  # of what its bot answers to "help", and of nothing else it says


def command(folder):
    """It finds its two files there and writes neither."""
    return ["python3", "-m", "mautrix_telegram", "-c", f"{folder}/config.yaml", "-r",
            f"{folder}/registration.yaml", "-n"]


def config(permissions=None):
    """The least that it starts with; what is not said here it has from its own example. ${...} is filled
    in by the operator. Without permissions, all people of the company may use it."""
    return {
        "homeserver": {"address": "${HOMESERVER_URL}", "domain": "${SERVER_NAME}"},
        "appservice": {
            "address": "${BRIDGE_URL}", "hostname": "0.0.0.0", "port": PORT,
            "database": "${DATABASE_URI}", "bot_username": BOT,
            # Its own would be on its author's server.
            "bot_avatar": "",
            "as_token": "${AS_TOKEN}", "hs_token": "${HS_TOKEN}",
            "provisioning": {"enabled": False}},
        "bridge": {
            "permissions": permissions or {"${SERVER_NAME}": "full"},
            # Those of the example name a server of somebody else.
            "double_puppet_server_map": {}, "login_shared_secret_map": {}},
        "telegram": {"api_id": 10_000_000 + secrets.randbelow(10_000_000),
                     "api_hash": secrets.token_hex(16)},
        # The example writes a file, which a read-only image refuses.
        "logging": {
            "version": 1,
            "formatters": {"normal": {"format": "%(levelname)s %(name)s: %(message)s"}},
            "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "normal"}},
            "root": {"level": "INFO", "handlers": ["console"]}},
    }


def registration():
    """The localpart of its bot, and what those of its people and the aliases of its rooms begin with."""
    return {"bot": BOT, "userPrefixes": ["telegram_"], "aliasPrefixes": ["telegram_"]}
