package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

const provisionerName = "alphorn.dev/playground-directory"

// directoryProvisioner makes one directory a volume below root, which must have the same path in
// this container and on the node. Sizes are recorded, not enforced.
type directoryProvisioner struct {
	root string
}

func runProvisioner() error {
	if len(os.Args) != 2 || !filepath.IsAbs(os.Args[1]) {
		return errors.New("give the absolute path of the directory that holds the volumes")
	}
	config, err := rest.InClusterConfig()
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	controller.NewProvisionController(ctx, client, provisionerName,
		&directoryProvisioner{root: os.Args[1]}, controller.LeaderElection(false)).Run(ctx)
	return nil
}

// Provision makes the directory writable for everyone: the volume belongs to one claim, and the
// kubelet hands it to the pod's group when the pod names an fsGroup.
func (p *directoryProvisioner) Provision(_ context.Context, options controller.ProvisionOptions) (
	*v1.PersistentVolume, controller.ProvisioningState, error) {
	if options.SelectedNodeName == "" {
		return nil, controller.ProvisioningFinished,
			errors.New("the storage class must have volumeBindingMode WaitForFirstConsumer")
	}
	path := filepath.Join(p.root, options.PVName)
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	if err := os.Chmod(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	return persistentVolume(options, path), controller.ProvisioningFinished, nil
}

func persistentVolume(options controller.ProvisionOptions, path string) *v1.PersistentVolume {
	return &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: options.PVName},
		Spec: v1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *options.StorageClass.ReclaimPolicy,
			AccessModes:                   options.PVC.Spec.AccessModes,
			Capacity: v1.ResourceList{
				v1.ResourceStorage: options.PVC.Spec.Resources.Requests[v1.ResourceStorage],
			},
			// A local volume, not a hostPath: only that kind applies a pod's fsGroup.
			PersistentVolumeSource: v1.PersistentVolumeSource{
				Local: &v1.LocalVolumeSource{Path: path},
			},
			NodeAffinity: &v1.VolumeNodeAffinity{Required: &v1.NodeSelector{
				NodeSelectorTerms: []v1.NodeSelectorTerm{{
					MatchExpressions: []v1.NodeSelectorRequirement{{
						Key:      v1.LabelHostname,
						Operator: v1.NodeSelectorOpIn,
						Values:   []string{options.SelectedNodeName},
					}},
				}},
			}},
		},
	}
}

// Delete removes the directory. It refuses a path that is not one of its own making.
func (p *directoryProvisioner) Delete(_ context.Context, volume *v1.PersistentVolume) error {
	path := filepath.Join(p.root, volume.Name)
	if volume.Spec.Local == nil || volume.Spec.Local.Path != path {
		return fmt.Errorf("volume %s is not a directory below %s", volume.Name, p.root)
	}
	return os.RemoveAll(path)
}
