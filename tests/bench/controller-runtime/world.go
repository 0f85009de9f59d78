package main

import (
	"context"
	"crypto/x509"
	"reflect"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	tenantLabel    = "alphorn.dev/tenant"
	managedByLabel = "app.kubernetes.io/managed-by"
	keepLabel      = "alphorn.dev/keep"
	madeFor        = "alphorn.dev/made-for"
	tenantIndex    = "tenant"
)

type childID struct{ kind, name string }

func (c childID) String() string { return c.kind + " " + c.name }

// world is what one pass decides on. Cached objects are read, never written.
type world struct {
	tenant   *CompanyHomeserver
	children map[childID]client.Object
	pods     int
	leaf     *x509.Certificate
	keyID    string
}

func (w *world) add(kind string, object client.Object) {
	w.children[childID{kind, object.GetName()}] = object
}

// observe reads everything that belongs to a tenant from the cache, by index.
func observe(ctx context.Context, reader client.Reader, tenant *CompanyHomeserver) (*world, error) {
	w := &world{tenant: tenant, children: make(map[childID]client.Object, 19)}
	options := []client.ListOption{client.InNamespace(tenant.Namespace),
		client.MatchingFields{tenantIndex: tenant.Name}}
	var (
		maps        corev1.ConfigMapList
		secrets     corev1.SecretList
		claims      corev1.PersistentVolumeClaimList
		services    corev1.ServiceList
		sets        appsv1.StatefulSetList
		deployments appsv1.DeploymentList
		policies    networkingv1.NetworkPolicyList
		pods        corev1.PodList
	)
	for _, list := range []client.ObjectList{&maps, &secrets, &claims, &services, &sets, &deployments, &policies, &pods} {
		if err := reader.List(ctx, list, options...); err != nil {
			return nil, err
		}
	}
	for index := range maps.Items {
		w.add("ConfigMap", &maps.Items[index])
	}
	for index := range secrets.Items {
		w.add("Secret", &secrets.Items[index])
	}
	for index := range claims.Items {
		w.add("PersistentVolumeClaim", &claims.Items[index])
	}
	for index := range services.Items {
		w.add("Service", &services.Items[index])
	}
	for index := range sets.Items {
		w.add("StatefulSet", &sets.Items[index])
	}
	for index := range deployments.Items {
		w.add("Deployment", &deployments.Items[index])
	}
	for index := range policies.Items {
		w.add("NetworkPolicy", &policies.Items[index])
	}
	w.pods = len(pods.Items)
	w.leaf = parseCertificate(w.secretValue(tenant.Name+"-gateway-tls", "tls.crt"))
	if parts := strings.Fields(string(w.secretValue(tenant.Name+"-homeserver-keys", "signing.key"))); len(parts) == 3 {
		w.keyID = parts[0] + ":" + parts[1]
	}
	return w, nil
}

func (w *world) secretValue(name, key string) []byte {
	if secret, ok := w.children[childID{"Secret", name}].(*corev1.Secret); ok {
		return secret.Data[key]
	}
	return nil
}

// registration stands for the account, the database's volume and the Secret with the password.
func (w *world) registration() string {
	text := "@" + w.tenant.Spec.Administrator.Localpart + ":" + w.tenant.Spec.ServerName
	for _, id := range []childID{{"PersistentVolumeClaim", w.tenant.Name + "-database-data"},
		{"Secret", w.tenant.Name + "-administrator"}} {
		if object := w.children[id]; object != nil {
			text += " " + string(object.GetUID())
		}
	}
	return shortHash(text)
}

func (w *world) isRegistered() bool {
	known := w.tenant.Status.Administrator
	return known != nil && known.Registration == w.registration()
}

// differs is true when the object lacks or changed anything that is desired; what others added stays.
func differs(desired, actual client.Object) bool {
	if !containsAll(desired.GetLabels(), actual.GetLabels()) ||
		!containsAll(desired.GetAnnotations(), actual.GetAnnotations()) {
		return true
	}
	for _, owner := range desired.GetOwnerReferences() {
		if controller := metav1.GetControllerOf(actual); controller == nil || controller.UID != owner.UID {
			return true
		}
	}
	switch desired := desired.(type) {
	case *corev1.ConfigMap:
		return !reflect.DeepEqual(desired.Data, actual.(*corev1.ConfigMap).Data)
	case *corev1.Service:
		return !equality.Semantic.DeepDerivative(desired.Spec, actual.(*corev1.Service).Spec)
	case *corev1.PersistentVolumeClaim:
		return !equality.Semantic.DeepDerivative(desired.Spec, actual.(*corev1.PersistentVolumeClaim).Spec)
	case *appsv1.StatefulSet:
		return !equality.Semantic.DeepDerivative(desired.Spec, actual.(*appsv1.StatefulSet).Spec)
	case *appsv1.Deployment:
		return !equality.Semantic.DeepDerivative(desired.Spec, actual.(*appsv1.Deployment).Spec)
	case *networkingv1.NetworkPolicy:
		return !equality.Semantic.DeepDerivative(desired.Spec, actual.(*networkingv1.NetworkPolicy).Spec)
	}
	return true
}

func containsAll(part, whole map[string]string) bool {
	for key, value := range part {
		if have, ok := whole[key]; !ok || have != value {
			return false
		}
	}
	return true
}

type readiness struct {
	ready           bool
	reason, message string
}

var isReady = readiness{ready: true, reason: "Ready"}

func absent(id childID) readiness {
	return readiness{reason: "Creating", message: id.String() + " does not exist yet"}
}

func (w *world) setReady(name string) readiness {
	id := childID{"StatefulSet", name}
	set, ok := w.children[id].(*appsv1.StatefulSet)
	if !ok {
		return absent(id)
	}
	replicas := *set.Spec.Replicas
	if set.Status.ObservedGeneration == set.Generation && set.Status.ReadyReplicas >= replicas &&
		set.Status.UpdatedReplicas >= replicas && set.Status.CurrentRevision == set.Status.UpdateRevision {
		return isReady
	}
	return readiness{reason: "RollingOut", message: id.String() + " is not rolled out yet"}
}

func (w *world) deploymentReady(name string) readiness {
	id := childID{"Deployment", name}
	deployment, ok := w.children[id].(*appsv1.Deployment)
	if !ok {
		return absent(id)
	}
	replicas := *deployment.Spec.Replicas
	status := deployment.Status
	if status.ObservedGeneration == deployment.Generation && status.UpdatedReplicas >= replicas &&
		status.AvailableReplicas >= replicas && status.Replicas == replicas {
		return isReady
	}
	return readiness{reason: "RollingOut", message: id.String() + " is not rolled out yet"}
}

func (w *world) allThere(ids ...childID) readiness {
	for _, id := range ids {
		if w.children[id] == nil {
			return absent(id)
		}
	}
	return isReady
}

// readinessOf answers for one component whether it does its job. The tenant's programs would be asked
// over HTTP; without a kubelet there are none, and both operators take the answer for granted.
func (w *world) readinessOf(component string) readiness {
	name := w.tenant.Name
	switch component {
	case "keys":
		return w.allThere(childID{"Secret", name + "-homeserver-keys"}, childID{"Secret", name + "-database-keys"},
			childID{"Secret", name + "-administrator"})
	case "certificates":
		if there := w.allThere(childID{"Secret", name + "-gateway-tls"}); !there.ready {
			return there
		}
		if w.leaf == nil {
			return readiness{reason: "CertificateUnreadable",
				message: "Secret " + name + "-gateway-tls holds no certificate"}
		}
		return isReady
	case "volumes":
		return w.allThere(childID{"PersistentVolumeClaim", name + "-database-data"},
			childID{"PersistentVolumeClaim", name + "-media"})
	case "network":
		return w.allThere(childID{"NetworkPolicy", name + "-database"}, childID{"NetworkPolicy", name + "-homeserver"},
			childID{"NetworkPolicy", name + "-gateway"})
	case "exposure":
		return w.allThere(childID{"Service", name + "-gateway"})
	case "database":
		return w.setReady(name + "-database")
	case "homeserver":
		return w.setReady(name + "-homeserver")
	case "administrator":
		id := childID{"Secret", name + "-administrator"}
		if there := w.allThere(id); !there.ready {
			return there
		}
		if !w.isRegistered() {
			return readiness{reason: "Registering", message: "the administrator's account is not made yet"}
		}
		return isReady
	default: // gateway
		return w.deploymentReady(name + "-gateway")
	}
}
