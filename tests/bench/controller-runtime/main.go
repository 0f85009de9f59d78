// An operator equal to Alphorn's, on controller-runtime, to measure beside it. README.md says how it
// was kept equal and what was done for its speed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"go.uber.org/zap/zapcore"
)

type options struct {
	kubeconfig, template, namespace, config, identity, logLevel string
	workers, port                                               int
	elect                                                       bool
}

func main() {
	var given options
	flag.StringVar(&given.template, "template", "", "file with the tenant's template")
	flag.StringVar(&given.namespace, "namespace", "alphorn-system", "namespace of the operator itself")
	flag.StringVar(&given.config, "config", "", "accepted for likeness; the template names the images")
	flag.StringVar(&given.identity, "identity", "", "accepted for likeness; controller-runtime makes its own")
	flag.StringVar(&given.logLevel, "log-level", "warn", "info or warn")
	flag.IntVar(&given.workers, "workers", 10, "tenants reconciled at the same time")
	flag.IntVar(&given.port, "listen-port", 8080, "port of /metrics")
	flag.BoolVar(&given.elect, "leader-elect", false, "work only while holding the lease")
	// --kubeconfig is registered by controller-runtime itself.
	flag.Parse()
	given.kubeconfig = flag.Lookup("kubeconfig").Value.String()
	if err := run(given); err != nil {
		fmt.Fprintf(os.Stderr, "controller-runtime operator: %v\n", err)
		os.Exit(1)
	}
}

func run(given options) error {
	level := zapcore.WarnLevel
	if given.logLevel == "info" {
		level = zapcore.InfoLevel
	}
	ctrl.SetLogger(zap.New(zap.Level(level)))
	template, err := readTemplate(given.template)
	if err != nil {
		return err
	}
	manager, err := newManager(given)
	if err != nil {
		return err
	}
	ctx := ctrl.SetupSignalHandler()
	direct, err := client.New(manager.GetConfig(), client.Options{Scheme: manager.GetScheme()})
	if err != nil {
		return err
	}
	signer, err := ensureAuthority(ctx, direct, given.namespace)
	if err != nil {
		return err
	}
	reconciler := &Reconciler{
		client:    client.WithFieldValidation(manager.GetClient(), metav1.FieldValidationStrict),
		template:  template,
		authority: signer,
		recorder:  manager.GetEventRecorder("alphorn.dev/operator"),
	}
	if err := setUp(ctx, manager, reconciler); err != nil {
		return err
	}
	return manager.Start(ctx)
}

func newManager(given options) (ctrl.Manager, error) {
	config, err := clientcmd.BuildConfigFromFlags("", given.kubeconfig)
	if err != nil {
		return nil, err
	}
	// As Alphorn: no limit on the client's side, and JSON on the wire.
	config.QPS = -1
	config.ContentType = runtime.ContentTypeJSON
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, err
	}
	if err := addToScheme(scheme); err != nil {
		return nil, err
	}
	return ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		Cache:                         cacheOptions(),
		Metrics:                       server.Options{BindAddress: fmt.Sprintf("127.0.0.1:%d", given.port)},
		LeaderElection:                given.elect,
		LeaderElectionID:              "alphorn-operator",
		LeaderElectionNamespace:       given.namespace,
		LeaderElectionReleaseOnCancel: true,
		Controller:                    configOf(given.workers),
	})
}

func cacheOptions() cache.Options {
	ours := labels.SelectorFromSet(labels.Set{managedByLabel: "alphorn"})
	labelled := cache.ByObject{Label: ours}
	strip := cache.TransformStripManagedFields()
	return cache.Options{
		DefaultTransform: strip,
		// Objects are only read, so they need not be copied.
		DefaultUnsafeDisableDeepCopy: ptr.To(true),
		ByObject: map[client.Object]cache.ByObject{
			&corev1.ConfigMap{}: labelled, &corev1.Secret{}: labelled,
			&corev1.PersistentVolumeClaim{}: labelled, &corev1.Service{}: labelled,
			&appsv1.StatefulSet{}: labelled, &appsv1.Deployment{}: labelled,
			&networkingv1.NetworkPolicy{}: labelled,
			&corev1.Pod{}: {Label: ours, Transform: func(object any) (any, error) {
				if pod, ok := object.(*corev1.Pod); ok {
					pod.Spec = corev1.PodSpec{}
				}
				return strip(object)
			}},
		},
	}
}

func configOf(workers int) config.Controller {
	return config.Controller{MaxConcurrentReconciles: workers, EnableWarmup: ptr.To(true)}
}

func setUp(ctx context.Context, manager ctrl.Manager, reconciler *Reconciler) error {
	children := []client.Object{&corev1.ConfigMap{}, &corev1.Secret{}, &corev1.PersistentVolumeClaim{},
		&corev1.Service{}, &appsv1.StatefulSet{}, &appsv1.Deployment{}, &networkingv1.NetworkPolicy{}, &corev1.Pod{}}
	builder := ctrl.NewControllerManagedBy(manager).Named("homeserver").For(&CompanyHomeserver{})
	toTenant := handler.EnqueueRequestsFromMapFunc(func(_ context.Context, object client.Object) []reconcile.Request {
		name := object.GetLabels()[tenantLabel]
		if name == "" {
			return nil
		}
		return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: object.GetNamespace(), Name: name}}}
	})
	for _, child := range children {
		err := manager.GetFieldIndexer().IndexField(ctx, child, tenantIndex, func(object client.Object) []string {
			return []string{object.GetLabels()[tenantLabel]}
		})
		if err != nil {
			return err
		}
		builder = builder.Watches(child, toTenant)
	}
	return builder.Complete(reconciler)
}

// ensureAuthority makes the certificate authority once, or finds the one that is there.
func ensureAuthority(ctx context.Context, direct client.Client, namespace string) (*authority, error) {
	key := client.ObjectKey{Namespace: namespace, Name: "alphorn-ca"}
	secret := &corev1.Secret{}
	err := direct.Get(ctx, key, secret)
	if apierrors.IsNotFound(err) {
		certificate, private, problem := newAuthority()
		if problem != nil {
			return nil, problem
		}
		secret = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: key.Name, Namespace: key.Namespace,
			Labels: map[string]string{managedByLabel: "alphorn", keepLabel: "true"}},
			Type: corev1.SecretTypeTLS, Data: map[string][]byte{"tls.crt": certificate, "tls.key": private}}
		err = direct.Create(ctx, secret)
		if apierrors.IsAlreadyExists(err) {
			err = direct.Get(ctx, key, secret)
		}
	}
	if err != nil {
		return nil, err
	}
	return openAuthority(secret.Data["tls.crt"], secret.Data["tls.key"])
}
