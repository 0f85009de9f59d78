"""What a namespace holds, in a form in which two tenants that fared alike are equal."""
import base64
import json
import re

LEFT_OUT = ("events", "leases", "endpoints", "endpointslices", "controllerrevisions")
VOLATILE = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "selfLink")
TIMES = ("lastTransitionTime", "lastUpdateTime", "time", "notBefore", "notAfter")
ADDRESSES = ("clusterIP", "clusterIPs")
HEX = re.compile(r"\b[0-9a-f]{16,}\b", re.IGNORECASE)
PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.S)
UUID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
KEY_ID = re.compile(r"\bed25519:a_\w+")


def collections(api):
    """Every kind that a namespace can hold and that can be listed."""
    groups = ["/api/v1"] + [f"/apis/{group['preferredVersion']['groupVersion']}"
                            for group in api.send("GET", "/apis")["groups"]]
    found = {}
    for group in groups:
        for one in api.send("GET", group)["resources"]:
            if one["namespaced"] and "list" in one["verbs"] and one["name"] not in LEFT_OUT:
                found[one["name"]] = group
    return sorted((group, name) for name, group in found.items())


def objects(api, kinds, namespace):
    """(kind's plural, name) -> object as the server has it."""
    found = {}
    for group, plural in kinds:
        for item in api.send("GET", f"{group}/namespaces/{namespace}/{plural}")["items"]:
            found[(plural, item["metadata"]["name"])] = item | {"kind": plural}
    return found


def normalized(found, namespace):
    """Node ports are drawn by the server; wherever one is told it must be the Service's."""
    names = {namespace: "NAMESPACE"}
    for item in found.values():
        for port in item.get("spec", {}).get("ports", []) if item["kind"] == "services" else []:
            if "nodePort" in port:
                meaning = f"PORT-{port['name']}"
                names |= {f'"nodePort": {port["nodePort"]}': f'"nodePort": "{meaning}"',
                          f":{port['nodePort']}": f":{meaning}"}
    return {key: clean(item, names) for key, item in found.items()}


def clean(item, names):
    text = json.dumps(item)
    for drawn, meaning in names.items():
        text = text.replace(drawn, meaning)
    item = json.loads(text)
    # What the operator creates and what it applies it writes by two names; who came first may differ.
    managers = sorted({"alphorn-operator" if one["manager"] == "alphorn" else one["manager"]
                       for one in item["metadata"].get("managedFields", [])})
    for field in VOLATILE:
        item["metadata"].pop(field, None)
    for owner in item["metadata"].get("ownerReferences", []):
        owner["uid"] = "UID"
    if item["kind"] == "secrets":
        item["data"] = {key: form_of(value) for key, value in item.get("data", {}).items()}
    return {"managers": managers, **by_form(item)}


def form_of(encoded):
    """The shape of a drawn value: what it is made of and how long it is. PEM varies by some bytes."""
    text = base64.b64decode(encoded).decode()
    if text.startswith("-----BEGIN"):
        return "PEM " + ",".join(re.findall(r"-----BEGIN ([A-Z ]+)-----", text))
    return re.sub(r"[A-Za-z0-9+/]", "x", text)


def by_form(value, field=""):
    if isinstance(value, dict):
        return {key: by_form(one, key) for key, one in value.items()}
    if field in TIMES:
        return "TIME"
    if field in ADDRESSES:
        return value if value in ("None", ["None"]) else "ADDRESS"
    if isinstance(value, list):
        return [by_form(one, field) for one in value]
    if isinstance(value, str):
        # Hashes cover drawn values and names; certificate facts carry serials and dates.
        text = HEX.sub("HASH", KEY_ID.sub("KEY", UUID.sub("UID", value)))
        text = PEM.sub("PEM", text)
        return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)
    return value


def differences(left, right, path=""):
    """One line for each place where the two differ."""
    if isinstance(left, dict) and isinstance(right, dict):
        lines = []
        for key in sorted(left.keys() | right.keys(), key=str):
            if key not in left or key not in right:
                side = "is missing" if key not in right else "is too much"
                lines.append(f"{path}/{key} {side}")
            else:
                lines += differences(left[key], right[key], f"{path}/{key}")
        return lines
    return [] if left == right else [f"{path}: {str(left)[:200]!r} against {str(right)[:200]!r}"]


def continuity(before, after):
    """What was there when the operator was disturbed must still be the same object; keys, too, the
    same values."""
    lines = []
    for key, item in before.items():
        now = after.get(key)
        if now is None:
            lines.append(f"{key} was there and is lost")
        elif now["metadata"]["uid"] != item["metadata"]["uid"]:
            lines.append(f"{key} was replaced by another object")
        elif key[0] == "secrets" and now.get("data") != item.get("data"):
            lines.append(f"{key} has other values than before")
        elif key[0] == "services":
            ports = {one["name"]: one.get("nodePort") for one in now["spec"]["ports"]}
            lines += [f"{key} has another node port than before" for one in item["spec"]["ports"]
                      if one.get("nodePort") not in (None, ports.get(one["name"]))]
    return lines
