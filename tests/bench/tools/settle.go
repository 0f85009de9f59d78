package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"
)

type seen struct {
	Metadata struct {
		Name, Namespace, ResourceVersion string
		Generation                       int64
	} `json:"metadata"`
	Status struct {
		ObservedGeneration int64
		Phase              string
		Conditions         []struct{ Type, Status string }
	} `json:"status"`
	Kind string
}

// settle stands in for the controllers and the kubelet: it marks workloads rolled out and claims
// bound as soon as it sees them. On standard output it tells how many tenants are Ready, and when.
func settle(cluster *client, given options) error {
	const apps = "/apis/apps/v1/"
	jobs := make(chan func() error, 65536)
	for range given.workers {
		go func() {
			for job := range jobs {
				if err := job(); err != nil {
					fmt.Fprintf(os.Stderr, "tools settle: %v\n", err)
				}
			}
		}()
	}
	setter := func(collection, status string) func(seen) {
		return func(object seen) {
			jobs <- func() error {
				group := "/api/v1/"
				if collection != "persistentvolumeclaims" {
					group = apps
				}
				path := group + "namespaces/" + object.Metadata.Namespace + "/" + collection + "/" +
					object.Metadata.Name + "/status"
				text := status
				if collection != "persistentvolumeclaims" {
					text = fmt.Sprintf(status, object.Metadata.Generation)
				}
				return cluster.send("PATCH", path, mergePatch, []byte(`{"status":`+text+`}`), nil)
			}
		}
	}
	workload := func(set func(seen)) func(string, seen) {
		return func(_ string, object seen) {
			if object.Status.ObservedGeneration != object.Metadata.Generation {
				set(object)
			}
		}
	}
	sets := setter("statefulsets", `{"observedGeneration":%d,"replicas":1,"readyReplicas":1,`+
		`"updatedReplicas":1,"availableReplicas":1,"currentReplicas":1,"currentRevision":"r",`+
		`"updateRevision":"r"}`)
	deployments := setter("deployments", `{"observedGeneration":%d,"replicas":1,"readyReplicas":1,`+
		`"updatedReplicas":1,"availableReplicas":1}`)
	bind := setter("persistentvolumeclaims", `{"phase":"Bound"}`)

	go follow(cluster, apps+"statefulsets", workload(sets))
	go follow(cluster, apps+"deployments", workload(deployments))
	go follow(cluster, "/api/v1/persistentvolumeclaims", func(_ string, object seen) {
		if object.Status.Phase != "Bound" {
			bind(object)
		}
	})
	counter := &readyCounter{ready: map[string]bool{}, target: given.tenants}
	return follow(cluster, allTenants, counter.see)
}

// readyCounter prints "ready COUNT UNIX-TIME": when the target is reached, else ten times a second.
type readyCounter struct {
	mutex   sync.Mutex
	ready   map[string]bool
	target  int
	printed time.Time
}

func (c *readyCounter) see(_ string, object seen) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	isReady := false
	for _, condition := range object.Status.Conditions {
		isReady = isReady || (condition.Type == "Ready" && condition.Status == "True")
	}
	key := object.Metadata.Namespace + "/" + object.Metadata.Name
	before := len(c.ready)
	if isReady {
		c.ready[key] = true
	} else {
		delete(c.ready, key)
	}
	now := time.Now()
	if len(c.ready) == before {
		return
	}
	if len(c.ready) == c.target || now.Sub(c.printed) > 100*time.Millisecond {
		c.printed = now
		fmt.Printf("ready %d %.6f\n", len(c.ready), float64(now.UnixNano())/1e9)
	}
}

// follow lists and watches a collection for ever.
func follow(cluster *client, path string, see func(string, seen)) error {
	for {
		version, err := listAll(cluster, path, see)
		if err == nil {
			err = watchFrom(cluster, path, version, see)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "tools settle: %v\n", err)
			time.Sleep(200 * time.Millisecond)
		}
	}
}

func listAll(cluster *client, path string, see func(string, seen)) (string, error) {
	var list struct {
		Metadata struct{ ResourceVersion string } `json:"metadata"`
		Items    []seen                           `json:"items"`
	}
	if err := cluster.send("GET", path, "", nil, &list); err != nil {
		return "", err
	}
	for _, object := range list.Items {
		see("LISTED", object)
	}
	return list.Metadata.ResourceVersion, nil
}

func watchFrom(cluster *client, path, version string, see func(string, seen)) error {
	for {
		answer, err := cluster.open("GET",
			path+"?watch=true&allowWatchBookmarks=true&timeoutSeconds=3600&resourceVersion="+version, "", nil)
		if err != nil {
			return err
		}
		decoder := json.NewDecoder(bufio.NewReaderSize(answer.Body, 1<<16))
		for {
			var event struct {
				Type   string
				Object seen
			}
			if err := decoder.Decode(&event); err != nil {
				answer.Body.Close()
				break
			}
			if event.Type == "ERROR" {
				answer.Body.Close()
				return fmt.Errorf("watch of %s: the server ended it with an error", path)
			}
			version = event.Object.Metadata.ResourceVersion
			if event.Type == "ADDED" || event.Type == "MODIFIED" {
				see(event.Type, event.Object)
			}
		}
	}
}
