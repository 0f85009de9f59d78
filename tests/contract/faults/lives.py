"""What tenants of the walk go through, one thing after the other."""
import dataclasses
import typing

import state
from world import is_ready, tenant_manifest, tenant_path


# What workers have besides themselves: keys, policies.
WORKER_OBJECTS = ("-worker-keys", "-redis", "-sync", "-persister")


def create(world, namespace, spec):
    world.ensure_namespace(namespace)
    manifest = tenant_manifest(namespace)
    manifest["spec"] |= spec
    world.api.apply(tenant_path(namespace), manifest)


def change_image(world, namespace, _):
    world.api.merge(tenant_path(namespace), {"spec": {"version": "1.163.3"}})


def scale(world, namespace, _):
    world.api.merge(tenant_path(namespace), {"spec": {
        "homeserver": {"media": {"size": "40Gi"}, "maxUploadSize": "300M",
                       "resources": {"limits": {"memory": "3Gi"}}},
        "database": {"size": "20Gi", "resources": {"limits": {"memory": "2Gi"}}}}})


def expose(world, namespace, _):
    world.api.merge(tenant_path(namespace), {"spec": {"exposure": {"mode": "nodePort"}}})


def workers(**counts):
    def change(world, namespace, _):
        world.api.merge(tenant_path(namespace), {"spec": {"homeserver": {"workers": counts or None}}})
    return change


def delete(world, namespace, _):
    """With the children first: the tenant is there, and going, while they vanish."""
    world.api.send("DELETE", tenant_path(namespace), {"propagationPolicy": "Foreground"})


def delete_at_once(world, namespace, _):
    world.api.send("DELETE", tenant_path(namespace), {"propagationPolicy": "Background"})


def ready(world, namespace):
    return is_ready(world.tenant(namespace))


def gone(world, namespace):
    """Only what is kept, and has no owner, is left."""
    return world.tenant(namespace) is None and not any(
        item["metadata"].get("ownerReferences")
        for item in state.objects(world.api, world.kinds, namespace).values())


@dataclasses.dataclass
class Scenario:
    name: str
    change: typing.Callable
    done: typing.Callable
    deletes: bool = False
    goes: typing.Callable = lambda key, item: False

    def meant_to_stay(self, objects):
        """All but what is meant to go; a deletion takes the tenant and what it owns."""
        def stays(key, item):
            if not self.deletes:
                return not self.goes(key, item)
            return key[0] != "companyhomeservers" and not item["metadata"].get("ownerReferences")
        return {key: item for key, item in objects.items() if stays(key, item)}


def is_a_worker(key, item):
    labels = item["metadata"].get("labels", {})
    return key[0] in ("statefulsets", "poddisruptionbudgets") and "alphorn.dev/worker" in labels


def is_of_workers(_, item):
    name = item["metadata"].get("labels", {}).get("app.kubernetes.io/name")
    return name in ("worker", "redis") or item["metadata"]["name"].endswith(WORKER_OBJECTS)


@dataclasses.dataclass
class Life:
    """How a tenant is created, and the scenarios that it goes through from then on."""
    name: str
    spec: dict
    scenarios: list


WHOLE = [Scenario("create", create, ready),
         Scenario("change image", change_image, ready),
         Scenario("scale", scale, ready),
         Scenario("expose", expose, ready),
         Scenario("grow", workers(sync=2, persister=1), ready),
         # Who writes what changes: all workers are stopped and made anew.
         Scenario("write by others", workers(sync=1, persister=2), ready, goes=is_a_worker),
         Scenario("shrink", workers(), ready, goes=is_of_workers),
         Scenario("delete, children first", delete, gone, True),
         Scenario("create again", create, ready),
         Scenario("delete at once", delete_at_once, gone, True)]

LIVES = [Life("plain", {}, WHOLE)]
