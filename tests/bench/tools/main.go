// What the operator benchmark does around the operator under test: makes tenants, stands in for the
// workload controllers, edits tenants, and sends the operator's bodies without thinking (the raw
// loader). Standard library alone.
package main

import (
	"flag"
	"fmt"
	"os"
)

type options struct {
	kubeconfig string
	template   string
	tenants    int
	workers    int
	count      int
	gapMillis  int
	first      int
}

func main() {
	commands := map[string]func(*client, options) error{
		"seed": seed, "load": load, "settle": settle, "edit": edit,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: tools seed|load|settle|edit FLAGS")
		os.Exit(2)
	}
	var given options
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	flags.StringVar(&given.kubeconfig, "kubeconfig", "", "cluster, as a kubeconfig written in JSON")
	flags.StringVar(&given.template, "template", "", "file with the tenant's template")
	flags.IntVar(&given.tenants, "tenants", 100, "how many tenants there are")
	flags.IntVar(&given.workers, "workers", 10, "requests under way at once")
	flags.IntVar(&given.count, "count", 200, "edits to make")
	flags.IntVar(&given.gapMillis, "gap-ms", 50, "time between two edits")
	flags.IntVar(&given.first, "first", 0, "number of the first edit, so that no two are alike")
	_ = flags.Parse(os.Args[2:])
	cluster, err := newClient(given.kubeconfig, given.workers)
	if err == nil {
		err = commands[os.Args[1]](cluster, given)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "tools %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}
