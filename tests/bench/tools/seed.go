package main

import (
	"fmt"
	"math/rand"
	"time"
)

// Tenants share namespaces by the hundred: for the operator it makes no difference, and the server
// need not make thousands of namespaces first.
const tenantsPerNamespace = 100

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

// edit changes one field of random tenants, one after the other; the audit log tells what follows.
func edit(cluster *client, given options) error {
	random := rand.New(rand.NewSource(int64(given.first) + 1))
	order := random.Perm(given.tenants)
	for turn := range given.count {
		number := order[turn%given.tenants]
		body := fmt.Sprintf(`{"spec":{"homeserver":{"maxUploadSize":"%dM"}}}`, 100+given.first+turn)
		path := tenantPath(number) + "/" + tenantName(number)
		if err := cluster.send("PATCH", path, mergePatch, []byte(body), nil); err != nil {
			return err
		}
		time.Sleep(time.Duration(given.gapMillis) * time.Millisecond)
	}
	return nil
}
