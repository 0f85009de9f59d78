"""JSON schemas of Kubernetes objects, as strict as the API server that they come from: for kubeconform,
which else would fetch them from the network."""

import json

META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
KEPT = ("type", "required", "enum", "minimum", "maximum", "minLength", "maxLength", "pattern", "minItems", "maxItems")


def file_name(group, version, kind):
    """As kubeconform asks for it, by the template {{.ResourceKind}}_{{.Group}}_{{.ResourceAPIVersion}}.json; what
    has no group has its version there."""
    return f"{kind.lower()}_{group or version}_{version}.json"


class Schemas:
    """`fetch(path)` gives what the API server says under /openapi/v3."""

    def __init__(self, fetch):
        self._fetch = fetch
        self._index = fetch("/openapi/v3")["paths"]
        self._documents = {}
        self._made = {}

    def of(self, group, version, kind):
        """The schema of a kind that the API server knows; None when it does not."""
        path = f"apis/{group}/{version}" if group else f"api/{version}"
        for name, schema in self._components(path).items():
            for one in schema.get("x-kubernetes-group-version-kind", []):
                if (one["group"], one["version"], one["kind"]) == (group, version, kind):
                    return self._strict(schema, self._components(path), (name,))
        return None

    def of_definition(self, definition, version):
        """The schema of a kind that a CustomResourceDefinition makes."""
        (schema,) = [one["schema"]["openAPIV3Schema"] for one in definition["spec"]["versions"] if one["name"] == version]
        core = self._components("api/v1")
        result = self._strict(schema, {}, ())
        result["properties"] |= {
            "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": self._strict(core[META], core, (META,)),
        }
        return result

    def _components(self, path):
        if path not in self._index:
            return {}
        if path not in self._documents:
            self._documents[path] = self._fetch(self._index[path]["serverRelativeURL"])["components"]["schemas"]
        return self._documents[path]

    def _strict(self, schema, components, inside):
        """Without references and words, and with no field that is not named."""
        if isinstance(schema.get("$ref"), str):
            name = schema["$ref"].rsplit("/", 1)[-1]
            if name in inside:
                return {}  # a schema of schemas
            if name not in self._made:
                self._made[name] = self._strict(components[name], components, (*inside, name))
            return self._made[name]
        if len(schema.get("allOf", [])) == 1 and "$ref" in schema["allOf"][0]:
            return self._strict(schema["allOf"][0], components, inside)
        if schema.get("x-kubernetes-int-or-string") or schema.get("format") == "int-or-string":
            return {"type": ["integer", "string"]}
        result = {key: schema[key] for key in KEPT if key in schema}
        if schema.get("nullable") and isinstance(result.get("type"), str):
            result["type"] = [result["type"], "null"]
        for key in ("oneOf", "anyOf"):
            # Of a definition they repeat parts of what stands beside them, which must not be closed.
            if key in schema and "properties" not in schema:
                result[key] = [self._strict(one, components, inside) for one in schema[key]]
        if "items" in schema:
            result["items"] = self._strict(schema["items"], components, inside)
        if isinstance(schema.get("additionalProperties"), dict):
            result["additionalProperties"] = self._strict(schema["additionalProperties"], components, inside)
        if "properties" in schema:
            result["properties"] = {
                name: self._strict(one, components, inside) for name, one in schema["properties"].items()
            }
            if schema.get("x-kubernetes-embedded-resource"):
                result["properties"] |= {"apiVersion": {}, "kind": {}, "metadata": {}}
            elif "additionalProperties" not in result and not schema.get("x-kubernetes-preserve-unknown-fields"):
                result["additionalProperties"] = False
        return result


def write(folder, group, version, kind, schema):
    (folder / file_name(group, version, kind)).write_text(json.dumps(schema), encoding="utf-8")
