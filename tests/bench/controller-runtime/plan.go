package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	fieldManager  = "alphorn-operator"
	tokenLength   = 48
	tokenAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
)

// step is one write, and how it is told of.
type step struct {
	text      string
	do        func(context.Context, client.Client) (client.Object, error)
	registers bool // the account, which is no object
}

type componentPlan struct {
	name      string
	steps     []step
	readiness readiness
}

func randomText(length int) string {
	var text strings.Builder
	for range length {
		number, err := rand.Int(rand.Reader, big.NewInt(int64(len(tokenAlphabet))))
		if err != nil {
			panic(err)
		}
		text.WriteByte(tokenAlphabet[number.Int64()])
	}
	return text.String()
}

func signingKey() string {
	seed := make([]byte, 32)
	_, _ = rand.Read(seed)
	return "ed25519 a_" + randomText(4) + " " + base64.RawStdEncoding.EncodeToString(seed) + "\n"
}

// diff walks the table: a component whose needs are not ready gets no steps but a reason.
func (r *Reconciler) diff(w *world) []componentPlan {
	serial := ""
	if w.leaf != nil {
		serial = strings.ToUpper(w.leaf.SerialNumber.Text(16))
	}
	rendered := newRenderer(r.template, w.tenant, serial, r.authority.pem)
	ready := map[string]bool{}
	plans := make([]componentPlan, 0, len(r.template.Components))
	for index := range r.template.Components {
		part := &r.template.Components[index]
		plan := componentPlan{name: part.Name}
		missing := ""
		for _, need := range part.Needs {
			if !ready[need] {
				missing = need
				break
			}
		}
		if missing != "" {
			plan.readiness = readiness{reason: "Waiting", message: "waits until " + missing + " is ready"}
		} else {
			for number := range part.Wishes {
				if one := r.stepFor(w, rendered, &part.Wishes[number]); one != nil {
					plan.steps = append(plan.steps, *one)
				}
			}
			plan.readiness = w.readinessOf(part.Name)
			ready[part.Name] = plan.readiness.ready && len(plan.steps) == 0
		}
		plans = append(plans, plan)
	}
	return plans
}

func (r *Reconciler) stepFor(w *world, rendered *renderer, one *wish) *step {
	switch one.Type {
	case "manifest":
		desired, text := rendered.manifest(one)
		kind := desired.GetObjectKind().GroupVersionKind().Kind
		id := childID{kind, desired.GetName()}
		if actual := w.children[id]; actual != nil && !differs(desired, actual) {
			return nil
		}
		return apply(w, "apply "+id.String(), id, []byte(text))
	case "secret":
		id := childID{"Secret", rendered.name(one.meta.Name)}
		if w.children[id] != nil {
			return nil
		}
		return createSecret(w, rendered, one, id)
	case "certificate":
		id := childID{"Secret", rendered.name(one.Name)}
		hosts := make([]string, 0, len(one.Hosts))
		for _, host := range one.Hosts {
			hosts = append(hosts, rendered.name(host))
		}
		if w.children[id] != nil && !r.authority.isDue(w.leaf, hosts, time.Now()) {
			return nil
		}
		return r.issue(w, rendered, one, id, hosts)
	default: // administrator
		id := childID{"Secret", rendered.name(one.Name)}
		if w.children[id] == nil || w.isRegistered() {
			return nil
		}
		// Without a kubelet there is no server to register at; the status notes that it was done.
		return &step{text: "register administrator " + one.Localpart, registers: true}
	}
}

// apply is a server-side apply of ready-made JSON. What the cache does not show is only created: a
// resource version that no object has makes one that exists a conflict.
func apply(w *world, told string, id childID, text []byte) *step {
	if w.children[id] == nil {
		fresh := `"metadata":{"resourceVersion":"1",`
		text = []byte(strings.Replace(string(text), `"metadata":{`, fresh, 1))
		if id.kind == "PersistentVolumeClaim" {
			noted := fmt.Sprintf(`"annotations":{%q:%q,`, madeFor, w.tenant.UID)
			text = []byte(strings.Replace(string(text), `"annotations":{`, noted, 1))
		}
	}
	return &step{text: told, do: func(ctx context.Context, c client.Client) (client.Object, error) {
		object, err := newObject(id.kind)
		if err != nil {
			return nil, err
		}
		object.SetName(id.name)
		object.SetNamespace(w.tenant.Namespace)
		return object, c.Patch(ctx, object, client.RawPatch(types.ApplyPatchType, text),
			client.ForceOwnership, client.FieldOwner(fieldManager))
	}}
}

func createSecret(w *world, rendered *renderer, one *wish, id childID) *step {
	return &step{text: "create " + id.String(), do: func(ctx context.Context, c client.Client) (client.Object, error) {
		secret := &corev1.Secret{Type: corev1.SecretTypeOpaque, Data: map[string][]byte{},
			ObjectMeta: metav1.ObjectMeta{Name: id.name, Namespace: rendered.name(one.meta.Namespace),
				Labels: map[string]string{}, Annotations: map[string]string{madeFor: string(w.tenant.UID)}}}
		for key, value := range one.meta.Labels {
			secret.Labels[key] = rendered.name(value)
		}
		for _, drawn := range one.Entries {
			value := randomText(tokenLength)
			if drawn.Draw == "signingKey" {
				value = signingKey()
			}
			secret.Data[drawn.Key] = []byte(value)
		}
		return secret, c.Create(ctx, secret)
	}}
}

func (r *Reconciler) issue(w *world, rendered *renderer, one *wish, id childID, hosts []string) *step {
	return &step{text: "issue certificate " + id.String(), do: func(ctx context.Context, c client.Client) (client.Object, error) {
		certificate, key, err := r.authority.issue(hosts)
		if err != nil {
			return nil, err
		}
		facts, seal := r.authority.seal(certificate, key)
		metadata := strings.Replace(rendered.texts.Replace(one.Metadata), `{`, fmt.Sprintf(
			`{"annotations":{"alphorn.dev/certificate":%q,"alphorn.dev/certificate-seal":%q},`, facts, seal), 1)
		text := fmt.Sprintf(`{"apiVersion":"v1","data":{"tls.crt":%q,"tls.key":%q},"kind":"Secret",`+
			`"metadata":%s,"type":"kubernetes.io/tls"}`, base64.StdEncoding.EncodeToString(certificate),
			base64.StdEncoding.EncodeToString(key), metadata)
		return apply(w, "", id, []byte(text)).do(ctx, c)
	}}
}
