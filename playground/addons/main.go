// Command addons is the playground's own cluster services in one static binary: the cluster's DNS
// server and the provisioner behind its storage class. The first argument chooses.
package main

import (
	"fmt"
	"os"
)

func main() {
	program := ""
	if len(os.Args) > 1 {
		program = os.Args[1]
		os.Args = append([]string{program}, os.Args[2:]...)
	}
	switch program {
	case "coredns":
		runDNS()
	case "provisioner":
		if err := runProvisioner(); err != nil {
			fmt.Fprintln(os.Stderr, "provisioner:", err)
			os.Exit(1)
		}
	default:
		fmt.Fprintln(os.Stderr, "usage: addons coredns -conf FILE | addons provisioner DIRECTORY")
		os.Exit(2)
	}
}
