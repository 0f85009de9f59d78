package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// renderer makes one tenant's objects of the template.
type renderer struct {
	template *tenantTemplate
	objects  *strings.Replacer // in typed objects
	texts    *strings.Replacer // in JSON text
}

func newRenderer(t *tenantTemplate, tenant *CompanyHomeserver, serial string, authority []byte) *renderer {
	names := t.Placeholders
	quoted, _ := json.Marshal(string(authority))
	pairs := func(pem string) []string {
		return []string{names["name"], tenant.Name, names["namespace"], tenant.Namespace,
			names["uid"], string(tenant.UID), names["serverName"], tenant.Spec.ServerName,
			names["uploadSize"], tenant.Spec.Homeserver.MaxUploadSize, names["serial"], serial,
			names["authority"], pem}
	}
	plain := pairs(string(authority))
	escaped := pairs(string(quoted[1 : len(quoted)-1]))
	base := strings.NewReplacer(plain...)
	for _, part := range t.Components {
		for _, one := range part.Wishes {
			if one.data != nil {
				hashes := []string{dataHash(one.data, asItIs), dataHash(one.data, base.Replace)}
				plain = append(plain, hashes...)
				escaped = append(escaped, hashes...)
			}
		}
	}
	return &renderer{template: t, objects: strings.NewReplacer(plain...),
		texts: strings.NewReplacer(escaped...)}
}

// manifest returns the object to compare with, and the text to apply. The text carries a hash of
// itself, as the object does, so that fields that are no longer sent are noticed.
func (r *renderer) manifest(one *wish) (client.Object, string) {
	text := r.texts.Replace(one.Manifest)
	hash := shortHash(text)
	object := one.object.DeepCopyObject().(client.Object)
	value := reflect.ValueOf(object).Elem()
	for _, way := range one.slots {
		way.fill(value, r.objects)
	}
	object.SetAnnotations(map[string]string{appliedHash: hash})
	stamped := strings.Replace(text, `"metadata":{`,
		fmt.Sprintf(`"metadata":{"annotations":{%q:%q},`, appliedHash, hash), 1)
	return object, stamped
}

func (r *renderer) name(text string) string { return r.objects.Replace(text) }
