package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	statusManager = "alphorn-operator-status"
	whileWaiting  = 3 * time.Second
	atRest        = 60 * time.Second
	untilCached   = 50 * time.Millisecond
	tellEvery     = 5 * time.Second
)

// news is what was done about a tenant under way and nobody was told yet.
type news struct {
	told    time.Time
	changes []string
}

// Reconciler brings one tenant from what is to what it asks for.
type Reconciler struct {
	client    client.Client
	template  *tenantTemplate
	authority *authority
	recorder  events.EventRecorder
	written   sync.Map // types.NamespacedName -> map[childID]uint64: versions the cache must show
	progress  sync.Map // types.NamespacedName -> *news: of tenants that are not Ready
}

func jittered(delay time.Duration) time.Duration { return delay + rand.N(delay/5) }

// Reconcile is one pass.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	tenant := &CompanyHomeserver{}
	if err := r.client.Get(ctx, request.NamespacedName, tenant); err != nil {
		r.progress.Delete(request.NamespacedName)
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !tenant.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	w, err := observe(ctx, r.client, tenant)
	if err != nil {
		return ctrl.Result{}, err
	}
	if !r.caughtUp(request.NamespacedName, w) {
		return ctrl.Result{RequeueAfter: untilCached}, nil
	}
	plans := r.diff(w)
	failures := r.execute(ctx, w, plans)
	failures = errors.Join(failures, r.cleanUp(ctx, w))
	status := summarize(w, plans)
	wait, err := r.tell(ctx, tenant, status)
	if err != nil {
		return ctrl.Result{}, err
	}
	if failures != nil {
		return ctrl.Result{}, failures
	}
	if wait > 0 {
		return ctrl.Result{RequeueAfter: min(wait, whileWaiting)}, nil
	}
	if statusOf(status.Conditions, "Ready") == metav1.ConditionTrue {
		return ctrl.Result{RequeueAfter: jittered(atRest)}, nil
	}
	return ctrl.Result{RequeueAfter: jittered(whileWaiting)}, nil
}

func version(object client.Object) uint64 {
	number, _ := strconv.ParseUint(object.GetResourceVersion(), 10, 64)
	return number
}

// caughtUp is false while the cache does not show this tenant's own last writes.
func (r *Reconciler) caughtUp(key types.NamespacedName, w *world) bool {
	kept, ok := r.written.Load(key)
	if !ok {
		return true
	}
	waiting := kept.(map[childID]uint64)
	for id, wanted := range waiting {
		var object client.Object = w.tenant
		if id.kind != "" {
			object = w.children[id]
		}
		if object == nil || version(object) < wanted {
			return false
		}
	}
	r.written.Delete(key)
	return true
}

func (r *Reconciler) record(tenant *CompanyHomeserver, id childID, object client.Object) {
	kept, _ := r.written.LoadOrStore(client.ObjectKeyFromObject(tenant), map[childID]uint64{})
	kept.(map[childID]uint64)[id] = version(object)
}

// execute carries the steps out; a component that fails does not keep the others from being mended.
func (r *Reconciler) execute(ctx context.Context, w *world, plans []componentPlan) error {
	var failures error
	for _, plan := range plans {
		var done []string
		for _, one := range plan.steps {
			if one.registers {
				done = append(done, one.text)
				continue
			}
			object, err := one.do(ctx, r.client)
			if err != nil {
				failures = errors.Join(failures, fmt.Errorf("%s: %w", plan.name, err))
				break
			}
			id := childID{kindOf(object), object.GetName()}
			r.record(w.tenant, id, object)
			done = append(done, one.text)
		}
		if len(done) > 0 {
			told := r.newsOf(client.ObjectKeyFromObject(w.tenant))
			told.changes = append(told.changes, plan.name+": "+strings.Join(done, ", "))
		}
	}
	return failures
}

func kindOf(object client.Object) string { return reflect.TypeOf(object).Elem().Name() }

// cleanUp deletes our own objects that nothing wishes for any more.
func (r *Reconciler) cleanUp(ctx context.Context, w *world) error {
	for id, object := range w.children {
		owner := metav1.GetControllerOf(object)
		if owner == nil || owner.UID != w.tenant.UID || id.kind == "PersistentVolumeClaim" ||
			r.wished(w.tenant.Name, id) || object.GetLabels()[keepLabel] != "" {
			continue
		}
		uid, rv := object.GetUID(), object.GetResourceVersion()
		if err := r.client.Delete(ctx, object, client.Preconditions{UID: &uid, ResourceVersion: &rv}); err != nil {
			return client.IgnoreNotFound(err)
		}
	}
	return nil
}

func (r *Reconciler) wished(tenant string, id childID) bool {
	_, found := r.template.wished[childID{id.kind, strings.TrimPrefix(id.name, tenant)}]
	return found
}

// newsOf needs no lock: a key is never reconciled twice at a time.
func (r *Reconciler) newsOf(key types.NamespacedName) *news {
	kept, _ := r.progress.LoadOrStore(key, &news{})
	return kept.(*news)
}

// tell writes the status and events, or says how long news of mere progress should wait.
func (r *Reconciler) tell(ctx context.Context, tenant *CompanyHomeserver, status Status) (time.Duration, error) {
	key := client.ObjectKeyFromObject(tenant)
	told := r.newsOf(key)
	if isProgress(status, tenant.Status) && !reflect.DeepEqual(tenant.Status, status) {
		if wait := time.Until(told.told.Add(tellEvery)); wait > 0 {
			return wait, nil
		}
	}
	if err := r.writeStatus(ctx, tenant, status); err != nil {
		return 0, err
	}
	told.told = time.Now()
	if len(told.changes) > 0 {
		r.recorder.Eventf(tenant, nil, corev1.EventTypeNormal, "Changed", "Reconcile", "%s",
			strings.Join(told.changes, "; "))
		told.changes = nil
	}
	if statusOf(status.Conditions, "Ready") == metav1.ConditionTrue {
		r.progress.Delete(key)
	}
	return 0, nil
}

func (r *Reconciler) writeStatus(ctx context.Context, tenant *CompanyHomeserver, status Status) error {
	if reflect.DeepEqual(tenant.Status, status) {
		return nil
	}
	body, err := json.Marshal(map[string]any{"apiVersion": groupVersion.String(), "kind": "CompanyHomeserver",
		"metadata": map[string]any{"name": tenant.Name, "namespace": tenant.Namespace, "uid": tenant.UID},
		"status":   status})
	if err != nil {
		return err
	}
	object := &CompanyHomeserver{ObjectMeta: metav1.ObjectMeta{Name: tenant.Name, Namespace: tenant.Namespace}}
	err = r.client.Status().Patch(ctx, object, client.RawPatch(types.ApplyPatchType, body),
		client.ForceOwnership, client.FieldOwner(statusManager))
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	if err != nil {
		return err
	}
	r.record(tenant, childID{}, object)
	before, after := find(tenant.Status.Conditions, "Ready"), find(status.Conditions, "Ready")
	isNews := before.Status != after.Status || before.Reason != after.Reason || before.Message != after.Message
	if isNews && (before.Status == metav1.ConditionTrue || after.Status == metav1.ConditionTrue) {
		r.recorder.Eventf(tenant, nil, corev1.EventTypeNormal, after.Reason, "Reconcile", "%s", after.Message)
	}
	return nil
}
