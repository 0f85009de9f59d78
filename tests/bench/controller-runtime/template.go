package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The manifests come as a template from the C++ operator, so that both make the same bytes. They are
// parsed once, into typed objects; for a tenant an object is deep-copied and the few strings that
// hold a placeholder are replaced. That is at most what building the structs in Go would cost.

const (
	appliedHash = "alphorn.dev/applied-hash"
	configHash  = "alphorn.dev/config-hash"
)

type entry struct {
	Key  string `json:"key"`
	Draw string `json:"draw"`
}

type wish struct {
	Type      string   `json:"type"`
	Manifest  string   `json:"manifest"`
	Data      string   `json:"data"`
	Name      string   `json:"name"`
	Metadata  string   `json:"metadata"`
	Entries   []entry  `json:"entries"`
	Hosts     []string `json:"hosts"`
	Localpart string   `json:"localpart"`

	data   map[string]string // of a ConfigMap whose hash rolls pods
	object client.Object     // typed, with placeholders; of a manifest
	slots  []slot            // where the placeholders are
	meta   metav1.ObjectMeta
}

type component struct {
	Name   string   `json:"name"`
	Needs  []string `json:"needs"`
	Wishes []wish   `json:"wishes"`
}

type tenantTemplate struct {
	Placeholders map[string]string `json:"placeholders"`
	Release      string            `json:"release"`
	Components   []component       `json:"components"`

	words  []string             // what makes a string a slot
	wished map[childID]struct{} // every object, its name without the tenant's
}

func shortHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:16]
}

func asItIs(text string) string { return text }

// dataHash is what the C++ operator annotates pods with: each string goes in with its length.
func dataHash(data map[string]string, replace func(string) string) string {
	var text strings.Builder
	text.WriteByte('{')
	for _, key := range slices.Sorted(maps.Keys(data)) {
		for _, part := range []string{key, replace(data[key])} {
			fmt.Fprintf(&text, "s%d:%s", len(part), part)
		}
	}
	text.WriteByte('}')
	return shortHash(text.String())
}

func newObject(kind string) (client.Object, error) {
	switch kind {
	case "ConfigMap":
		return &corev1.ConfigMap{}, nil
	case "Secret":
		return &corev1.Secret{}, nil
	case "Service":
		return &corev1.Service{}, nil
	case "PersistentVolumeClaim":
		return &corev1.PersistentVolumeClaim{}, nil
	case "StatefulSet":
		return &appsv1.StatefulSet{}, nil
	case "Deployment":
		return &appsv1.Deployment{}, nil
	case "NetworkPolicy":
		return &networkingv1.NetworkPolicy{}, nil
	}
	return nil, fmt.Errorf("the template has a %s, which is not expected", kind)
}

func readTemplate(path string) (*tenantTemplate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	result := &tenantTemplate{}
	if err := json.Unmarshal(text, result); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, word := range result.Placeholders {
		result.words = append(result.words, word)
	}
	// The hash of a ConfigMap's data differs from tenant to tenant as well.
	for _, part := range result.Components {
		for index := range part.Wishes {
			one := &part.Wishes[index]
			if one.Data == "" {
				continue
			}
			if err := json.Unmarshal([]byte(one.Data), &one.data); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			result.words = append(result.words, dataHash(one.data, asItIs))
		}
	}
	result.wished = map[childID]struct{}{}
	for index := range result.Components {
		wishes := result.Components[index].Wishes
		for number := range wishes {
			if err := result.parse(&wishes[number]); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			result.noteName(&wishes[number])
		}
	}
	return result, nil
}

func (t *tenantTemplate) noteName(one *wish) {
	id := childID{"Secret", one.meta.Name}
	if one.object != nil {
		id = childID{kindOf(one.object), one.object.GetName()}
	}
	t.wished[childID{id.kind, strings.TrimPrefix(id.name, t.Placeholders["name"])}] = struct{}{}
}

func (t *tenantTemplate) parse(one *wish) error {
	if one.Metadata != "" {
		return json.Unmarshal([]byte(one.Metadata), &one.meta)
	}
	if one.Type != "manifest" {
		return nil
	}
	var head struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal([]byte(one.Manifest), &head); err != nil {
		return err
	}
	object, err := newObject(head.Kind)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(one.Manifest), object); err != nil {
		return err
	}
	setDefaults(object)
	one.object = object
	one.slots = t.findSlots(reflect.ValueOf(object).Elem(), nil)
	return nil
}

// setDefaults fills in the one default that the comparison would not take for unset: a number.
func setDefaults(object client.Object) {
	var pod *corev1.PodSpec
	switch object := object.(type) {
	case *appsv1.StatefulSet:
		pod = &object.Spec.Template.Spec
	case *appsv1.Deployment:
		pod = &object.Spec.Template.Spec
	default:
		return
	}
	for _, container := range pod.Containers {
		for _, probe := range []*corev1.Probe{container.StartupProbe, container.ReadinessProbe, container.LivenessProbe} {
			if probe != nil && probe.SuccessThreshold == 0 {
				probe.SuccessThreshold = 1
			}
		}
	}
}

// A slot is the way to a string: field numbers, list indices and, last, perhaps a map's key.
type slot []any

func (t *tenantTemplate) holdsWord(text string) bool {
	for _, word := range t.words {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

func (t *tenantTemplate) findSlots(value reflect.Value, way slot) []slot {
	further := func(step any) slot { return append(append(slot{}, way...), step) }
	var found []slot
	switch value.Kind() {
	case reflect.String:
		if t.holdsWord(value.String()) {
			found = append(found, way)
		}
	case reflect.Pointer:
		if !value.IsNil() {
			found = t.findSlots(value.Elem(), way)
		}
	case reflect.Struct:
		for index := range value.NumField() {
			if value.Type().Field(index).IsExported() {
				found = append(found, t.findSlots(value.Field(index), further(index))...)
			}
		}
	case reflect.Slice:
		for index := range value.Len() {
			found = append(found, t.findSlots(value.Index(index), further(index))...)
		}
	case reflect.Map:
		for _, key := range value.MapKeys() {
			if content := value.MapIndex(key); content.Kind() == reflect.String && t.holdsWord(content.String()) {
				found = append(found, further(key))
			}
		}
	}
	return found
}

func (s slot) fill(value reflect.Value, replacer *strings.Replacer) {
	for _, step := range s {
		for value.Kind() == reflect.Pointer {
			value = value.Elem()
		}
		switch step := step.(type) {
		case reflect.Value:
			text := replacer.Replace(value.MapIndex(step).String())
			value.SetMapIndex(step, reflect.ValueOf(text).Convert(value.Type().Elem()))
			return
		case int:
			if value.Kind() == reflect.Struct {
				value = value.Field(step)
			} else {
				value = value.Index(step)
			}
		}
	}
	for value.Kind() == reflect.Pointer {
		value = value.Elem()
	}
	value.SetString(replacer.Replace(value.String()))
}
