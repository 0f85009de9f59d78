package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"sync"
	"time"
)

// Tenants share namespaces by the hundred: for the operator it makes no difference, and the server
// need not make thousands of namespaces first.
const tenantsPerNamespace = 100

const allTenants = "/apis/alphorn.dev/v1alpha1/companyhomeservers"

const uploadSize = "50M"

func tenantName(number int) string { return fmt.Sprintf("t%05d", number) }
func namespaceOf(number int) string {
	return fmt.Sprintf("bench-%03d", number/tenantsPerNamespace)
}

func tenantPath(number int) string {
	return "/apis/alphorn.dev/v1alpha1/namespaces/" + namespaceOf(number) + "/companyhomeservers"
}

// seed makes the namespaces and the tenants.
func seed(cluster *client, given options) error {
	last := (given.tenants - 1) / tenantsPerNamespace
	for _, name := range append([]string{"alphorn-system"}, namespaces(last)...) {
		body := fmt.Sprintf(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q}}`, name)
		if err := cluster.send("POST", "/api/v1/namespaces", plainJSON, []byte(body), nil); err != nil {
			return err
		}
	}
	return inParallel(given.tenants, given.workers, func(number int) error {
		name := tenantName(number)
		body := fmt.Sprintf(`{"apiVersion":"alphorn.dev/v1alpha1","kind":"CompanyHomeserver",`+
			`"metadata":{"name":%q},"spec":{"serverName":"%s.example","version":"1.163.2",`+
			`"homeserver":{"maxUploadSize":%q}}}`, name, name, uploadSize)
		return cluster.send("POST", tenantPath(number), plainJSON, []byte(body), nil)
	})
}

func namespaces(last int) []string {
	var names []string
	for number := 0; number <= last; number++ {
		names = append(names, namespaceOf(number*tenantsPerNamespace))
	}
	return names
}

// deliveries notes when a plain watcher has heard of each tenant's edit: the server's own time until
// anybody can act on it.
type deliveries struct {
	mutex   sync.Mutex
	heardAt map[string]float64 // seconds since 1970
}

func (d *deliveries) see(_ string, object seen) {
	now := float64(time.Now().UnixMicro()) / 1e6
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if _, known := d.heardAt[object.Metadata.Name]; !known {
		d.heardAt[object.Metadata.Name] = now
	}
}

// begin watches until the program ends.
func (d *deliveries) begin(cluster *client) error {
	var page struct {
		Metadata struct{ ResourceVersion string } `json:"metadata"`
	}
	if err := cluster.send("GET", allTenants+"?limit=1", "", nil, &page); err != nil {
		return err
	}
	go watchFrom(cluster, allTenants, page.Metadata.ResourceVersion, d.see)
	return nil
}

// edit changes one field of random tenants, one after the other; the audit log tells what follows.
// Prints when each edited tenant's first event came to a plain watcher.
func edit(cluster *client, given options) error {
	random := rand.New(rand.NewSource(int64(given.first) + 1))
	order := random.Perm(given.tenants)
	heard := deliveries{heardAt: map[string]float64{}}
	if err := heard.begin(cluster); err != nil {
		return err
	}
	for turn := range given.count {
		number := order[turn%given.tenants]
		body := fmt.Sprintf(`{"spec":{"homeserver":{"maxUploadSize":"%dM"}}}`, 100+given.first+turn)
		path := tenantPath(number) + "/" + tenantName(number)
		if err := cluster.send("PATCH", path, mergePatch, []byte(body), nil); err != nil {
			return err
		}
		time.Sleep(time.Duration(given.gapMillis) * time.Millisecond)
	}
	heard.mutex.Lock()
	defer heard.mutex.Unlock()
	return json.NewEncoder(os.Stdout).Encode(heard.heardAt)
}
