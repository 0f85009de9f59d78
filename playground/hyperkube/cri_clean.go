package main

import (
	"context"
	"fmt"
	"os"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	cri "k8s.io/cri-client/pkg"
	"k8s.io/klog/v2"
)

// criClean stops and removes every container and pod sandbox behind the runtime socket given as
// the first argument, so that the CNI plug-ins take their interfaces and rules down.
func criClean() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: cri-clean unix:///path/to/containerd.sock")
		os.Exit(2)
	}
	if err := removeAllPods(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "cri-clean:", err)
		os.Exit(1)
	}
}

func removeAllPods(endpoint string) error {
	ctx := klog.NewContext(context.Background(), klog.Background())
	service, err := cri.NewRemoteRuntimeService(ctx, endpoint, time.Minute, nil, false)
	if err != nil {
		return err
	}
	containers, err := service.ListContainers(ctx, &runtimeapi.ContainerFilter{})
	if err != nil {
		return err
	}
	done := make(chan struct{}, len(containers))
	for _, container := range containers {
		go func() {
			// A container that is already gone is as good as stopped; the sandbox removal decides.
			_ = service.StopContainer(ctx, container.Id, 10)
			done <- struct{}{}
		}()
	}
	for range containers {
		<-done
	}
	sandboxes, err := service.ListPodSandbox(ctx, &runtimeapi.PodSandboxFilter{})
	if err != nil {
		return err
	}
	for _, sandbox := range sandboxes {
		if err := service.StopPodSandbox(ctx, sandbox.Id); err != nil {
			return fmt.Errorf("stop sandbox %s: %w", sandbox.Id, err)
		}
		if err := service.RemovePodSandbox(ctx, sandbox.Id); err != nil {
			return fmt.Errorf("remove sandbox %s: %w", sandbox.Id, err)
		}
	}
	return nil
}
