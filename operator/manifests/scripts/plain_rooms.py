"""A module of Synapse: rooms of bridges that know no end-to-end encryption stay readable for them.

Synapse's encryption_enabled_by_default_for_room_type encrypts rooms by how they are made: with "invite" all
but public ones. A room that one of the named application services makes is made as a public one, and
told in the same breath that people are let in by invitation alone.
"""


def service_of(requester):
    """The application service that asks; newer releases know its name alone."""
    service = getattr(requester, "app_service", None)
    return getattr(requester, "app_service_id", None) if service is None else service.id


class PlainRooms:
    def __init__(self, config, api):
        self.services = frozenset(config["services"])
        api.register_third_party_rules_callbacks(on_create_room=self.on_create_room)

    async def on_create_room(self, requester, request_content, is_request_admin):
        if service_of(requester) not in self.services:
            return
        if request_content.get("preset") == "public_chat" or request_content.get("visibility") == "public":
            return
        request_content["visibility"] = "private"
        request_content["preset"] = "public_chat"
        state = request_content.setdefault("initial_state", [])
        if all(event.get("type") != "m.room.join_rules" for event in state):
            state.append({"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": "invite"}})
