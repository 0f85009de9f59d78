"""A module of Synapse: rooms of bridges that know no end-to-end encryption stay readable for them.

Synapse's encryption_enabled_by_default_for_room_type encrypts rooms by how they are made: with "invite" all
but public ones. A room that one of the named application services makes, or that somebody makes and invites
one of the named guests to, is made as a public one, and told in the same breath that people are let in by
invitation alone. Whoever asks for encryption in so many words gets it.
"""


def service_of(requester):
    """The application service that asks; newer releases know its name alone."""
    service = getattr(requester, "app_service", None)
    return getattr(requester, "app_service_id", None) if service is None else service.id


class PlainRooms:
    def __init__(self, config, api):
        self.services = frozenset(config["services"])
        self.guests = config.get("guests", [])
        api.register_third_party_rules_callbacks(on_create_room=self.on_create_room)

    def is_for_a_bridge(self, requester, request_content):
        if service_of(requester) in self.services:
            return True
        invited = request_content.get("invite")
        return isinstance(invited, list) and any(guest in invited for guest in self.guests)

    async def on_create_room(self, requester, request_content, is_request_admin):
        if not self.is_for_a_bridge(requester, request_content):
            return
        if request_content.get("preset") == "public_chat" or request_content.get("visibility") == "public":
            return
        request_content["visibility"] = "private"
        request_content["preset"] = "public_chat"
        state = request_content.setdefault("initial_state", [])
        if all(event.get("type") != "m.room.join_rules" for event in state):
            state.append({"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": "invite"}})
