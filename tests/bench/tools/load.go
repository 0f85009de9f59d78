package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

type wish struct {
	Type     string   `json:"type"`
	Manifest string   `json:"manifest"`
	Data     string   `json:"data"`
	Name     string   `json:"name"`
	Metadata string   `json:"metadata"`
	Entries  []entry  `json:"entries"`
	Hosts    []string `json:"hosts"`
}

type entry struct {
	Key  string `json:"key"`
	Draw string `json:"draw"`
}

type template struct {
	Placeholders map[string]string `json:"placeholders"`
	Components   []struct {
		Name   string `json:"name"`
		Wishes []wish `json:"wishes"`
	} `json:"components"`
}

type body struct{ method, path, kind, text string }

func shortHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:16]
}

// Sizes of what is drawn or signed; the loader sends as many bytes, the same for every tenant.
const (
	certificateBytes = 900
	keyBytes         = 241
	tokenBytes       = 48
)

func filler(bytes int) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", bytes)))
}

// bodiesOf renders what an operator writes for one tenant: its first status and an event, its
// children, its last status and two events.
func (t *template) bodiesOf(number int, uid string) []body {
	names := t.Placeholders
	pairs := []string{names["name"], tenantName(number), names["namespace"], namespaceOf(number),
		names["uid"], uid, names["serverName"], tenantName(number) + ".example",
		names["uploadSize"], uploadSize, names["serial"], strings.Repeat("A", 32),
		names["authority"], strings.Repeat("x", 600)}
	plain := strings.NewReplacer(pairs...)
	for _, component := range t.Components {
		for _, wished := range component.Wishes {
			if wished.Data != "" {
				pairs = append(pairs, shortHash(wished.Data), shortHash(plain.Replace(wished.Data)))
			}
		}
	}
	replacer := strings.NewReplacer(pairs...)
	bodies := []body{statusBody(number, len(t.Components), "False"), eventBody(number, uid, 1)}
	for _, component := range t.Components {
		for _, wished := range component.Wishes {
			if text := textOf(wished); text != "" {
				bodies = append(bodies, bodyOf(replacer.Replace(text), wished.Type == "manifest"))
			}
		}
	}
	return append(bodies, statusBody(number, len(t.Components), "True"), eventBody(number, uid, 2),
		eventBody(number, uid, 3))
}

func textOf(wished wish) string {
	switch wished.Type {
	case "manifest":
		return wished.Manifest
	case "secret":
		var data []string
		for _, one := range wished.Entries {
			data = append(data, fmt.Sprintf("%q:%q", one.Key, filler(tokenBytes)))
		}
		return `{"apiVersion":"v1","data":{` + strings.Join(data, ",") +
			`},"kind":"Secret","metadata":` + wished.Metadata + `,"type":"Opaque"}`
	case "certificate":
		return fmt.Sprintf(`{"apiVersion":"v1","data":{"tls.crt":%q,"tls.key":%q},"kind":"Secret",`+
			`"metadata":%s,"type":"kubernetes.io/tls"}`, filler(certificateBytes), filler(keyBytes),
			wished.Metadata)
	}
	return ""
}

var collections = map[string]string{"ConfigMap": "/api/v1/%s/configmaps/", "Secret": "/api/v1/%s/secrets/",
	"Service": "/api/v1/%s/services/", "PersistentVolumeClaim": "/api/v1/%s/persistentvolumeclaims/",
	"StatefulSet": "/apis/apps/v1/%s/statefulsets/", "Deployment": "/apis/apps/v1/%s/deployments/",
	"NetworkPolicy": "/apis/networking.k8s.io/v1/%s/networkpolicies/"}

func bodyOf(text string, stamp bool) body {
	var object struct {
		Kind     string `json:"kind"`
		Metadata struct {
			Name      string `json:"name"`
			Namespace string `json:"namespace"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		panic(err)
	}
	if stamp {
		text = strings.Replace(text, `"metadata":{`, fmt.Sprintf(
			`"metadata":{"annotations":{"alphorn.dev/applied-hash":%q},`, shortHash(text)), 1)
	}
	path := fmt.Sprintf(collections[object.Kind], "namespaces/"+object.Metadata.Namespace) +
		object.Metadata.Name + "?fieldManager=alphorn-operator&force=true&fieldValidation=Strict"
	return body{method: "PATCH", path: path, kind: applyPatch, text: text}
}

// eventBody is as long as the operator's events are.
func eventBody(number int, uid string, count int) body {
	name, namespace := tenantName(number), namespaceOf(number)
	text := fmt.Sprintf(`{"apiVersion":"events.k8s.io/v1","kind":"Event","metadata":{"name":"%s.%d",`+
		`"namespace":%q},"eventTime":"2026-01-01T00:00:00.000000Z","type":"Normal","reason":"Changed",`+
		`"action":"Reconcile","note":%q,"regarding":{"apiVersion":"alphorn.dev/v1alpha1",`+
		`"kind":"CompanyHomeserver","name":%q,"namespace":%q,"uid":%q},`+
		`"reportingController":"alphorn.dev/operator","reportingInstance":"loader"}`,
		name, count, namespace, strings.Repeat("x", 400), name, namespace, uid)
	return body{method: "POST", path: "/apis/events.k8s.io/v1/namespaces/" + namespace + "/events",
		kind: "application/json", text: text}
}

// statusBody has as many conditions as the operator's last status, about as long.
func statusBody(number, components int, value string) body {
	var conditions []string
	for index := range components + 3 {
		kind := "Ready"
		if index > 0 {
			kind = fmt.Sprintf("Component%02dReady", index)
		}
		conditions = append(conditions, fmt.Sprintf(`{"type":%q,"status":%q,"reason":"Ready",`+
			`"message":"","observedGeneration":1,"lastTransitionTime":"2026-01-01T00:00:00Z"}`, kind, value))
	}
	name := tenantName(number)
	text := fmt.Sprintf(`{"apiVersion":"alphorn.dev/v1alpha1","kind":"CompanyHomeserver",`+
		`"metadata":{"name":%q,"namespace":%q},"status":{"observedGeneration":1,"conditions":[%s],`+
		`"hosts":["matrix.%s.example","%s.example"],"version":"1.163.2"}}`,
		name, namespaceOf(number), strings.Join(conditions, ","), name, name)
	return body{method: "PATCH", kind: applyPatch, text: text, path: tenantPath(number) + "/" + name +
		"/status?fieldManager=alphorn-operator-status&force=true&fieldValidation=Strict"}
}

// load sends every tenant's bodies, a tenant per worker at a time, and prints how long it took.
func load(cluster *client, given options) error {
	text, err := os.ReadFile(given.template)
	if err != nil {
		return err
	}
	var rendered template
	if err := json.Unmarshal(text, &rendered); err != nil {
		return fmt.Errorf("%s: %w", given.template, err)
	}
	uids, err := tenantUIDs(cluster)
	if err != nil {
		return err
	}
	began := time.Now()
	err = inParallel(given.tenants, given.workers, func(number int) error {
		for _, one := range rendered.bodiesOf(number, uids[tenantName(number)]) {
			if err := cluster.send(one.method, one.path, one.kind, []byte(one.text), nil); err != nil {
				return err
			}
		}
		return nil
	})
	fmt.Printf("sent %.3f\n", time.Since(began).Seconds())
	return err
}

func tenantUIDs(cluster *client) (map[string]string, error) {
	var list struct {
		Items []struct {
			Metadata struct{ Name, UID string } `json:"metadata"`
		} `json:"items"`
	}
	err := cluster.send("GET", allTenants, "", nil, &list)
	uids := map[string]string{}
	for _, item := range list.Items {
		uids[item.Metadata.Name] = item.Metadata.UID
	}
	return uids, err
}
